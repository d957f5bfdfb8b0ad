import hashlib


def it_answers_the_md5(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="key")["UploadId"]
    response = s3.upload_part(Bucket=bucket, Key="key", UploadId=upload, PartNumber=1, Body=b"part")
    assert response["ETag"] == f'"{hashlib.md5(b"part").hexdigest()}"'


def it_replaces_a_part_sent_again(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="key")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="key", UploadId=upload, PartNumber=1, Body=b"first")
    part = s3.upload_part(Bucket=bucket, Key="key", UploadId=upload, PartNumber=1, Body=b"second")
    parts = [{"PartNumber": 1, "ETag": part["ETag"]}]
    s3.complete_multipart_upload(Bucket=bucket, Key="key", UploadId=upload, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"second"


def it_takes_part_10000(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="key")["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="key", UploadId=upload, PartNumber=10_000, Body=b"last")
    parts = [{"PartNumber": 10_000, "ETag": part["ETag"]}]
    s3.complete_multipart_upload(Bucket=bucket, Key="key", UploadId=upload, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"last"


def it_refuses_part_numbers_out_of_bounds(s3, bucket, refusal):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="key")["UploadId"]
    for number in [0, 10_001, -1]:
        with refusal(400, "InvalidArgument"):
            s3.upload_part(Bucket=bucket, Key="key", UploadId=upload, PartNumber=number, Body=b"x")


def it_refuses_an_upload_that_is_not_there(s3, bucket, refusal):
    with refusal(404, "NoSuchUpload"):
        s3.upload_part(Bucket=bucket, Key="key", UploadId="nonsense", PartNumber=1, Body=b"x")


def it_refuses_another_checksum_than_the_uploads(s3, bucket, refusal):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="key", ChecksumAlgorithm="SHA256")["UploadId"]
    with refusal(400, "InvalidRequest"):
        s3.upload_part(
            Bucket=bucket, Key="key", UploadId=upload, PartNumber=1, Body=b"x", ChecksumAlgorithm="CRC32C"
        )


def it_refuses_a_wrong_content_md5(s3, bucket, refusal):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="key")["UploadId"]
    with refusal(400, "BadDigest"):
        s3.upload_part(
            Bucket=bucket, Key="key", UploadId=upload, PartNumber=1, Body=b"x", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg=="
        )
    assert "Parts" not in s3.list_parts(Bucket=bucket, Key="key", UploadId=upload)

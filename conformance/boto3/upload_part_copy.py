import pytest

PART = 5 << 20
BODY = b"a" * PART + b"b" * PART


@pytest.fixture
def upload(s3, bucket, put):
    put("from", BODY)
    return s3.create_multipart_upload(Bucket=bucket, Key="key")["UploadId"]


def copy(s3, bucket, upload, number, **more):
    return s3.upload_part_copy(
        Bucket=bucket,
        Key="key",
        UploadId=upload,
        PartNumber=number,
        CopySource={"Bucket": bucket, "Key": "from"},
        **more,
    )["CopyPartResult"]


def it_copies_ranges_and_wholes(s3, bucket, upload):
    etags = [
        copy(s3, bucket, upload, 1, CopySourceRange=f"bytes={PART}-{2 * PART - 1}")["ETag"],
        copy(s3, bucket, upload, 2)["ETag"],
        copy(s3, bucket, upload, 3, CopySourceRange=f"bytes={PART - 3}-{PART + 2}")["ETag"],
    ]
    parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
    s3.complete_multipart_upload(Bucket=bucket, Key="key", UploadId=upload, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"b" * PART + BODY + b"aaabbb"


def it_mixes_with_uploaded_parts(s3, bucket, upload):
    first = copy(s3, bucket, upload, 1)["ETag"]
    second = s3.upload_part(Bucket=bucket, Key="key", UploadId=upload, PartNumber=2, Body=b"own")["ETag"]
    parts = [{"PartNumber": 1, "ETag": first}, {"PartNumber": 2, "ETag": second}]
    s3.complete_multipart_upload(Bucket=bucket, Key="key", UploadId=upload, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == BODY + b"own"


def it_outlives_its_source(s3, bucket, upload):
    part = copy(s3, bucket, upload, 1)["ETag"]
    s3.delete_object(Bucket=bucket, Key="from")
    parts = [{"PartNumber": 1, "ETag": part}]
    s3.complete_multipart_upload(Bucket=bucket, Key="key", UploadId=upload, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == BODY


def it_obeys_conditions_on_the_source(s3, bucket, upload, refusal):
    etag = s3.head_object(Bucket=bucket, Key="from")["ETag"]
    copy(s3, bucket, upload, 1, CopySourceIfMatch=etag)
    with refusal(412, "PreconditionFailed"):
        copy(s3, bucket, upload, 1, CopySourceIfMatch='"other"')
    with refusal(412, "PreconditionFailed"):
        copy(s3, bucket, upload, 1, CopySourceIfNoneMatch=etag)


def it_refuses_a_range_past_the_end(s3, bucket, upload, refusal):
    with refusal(416, "InvalidRange"):
        copy(s3, bucket, upload, 1, CopySourceRange=f"bytes=0-{2 * PART}")


def it_refuses_a_source_that_is_missing(s3, bucket, upload, refusal):
    s3.delete_object(Bucket=bucket, Key="from")
    with refusal(404, "NoSuchKey"):
        copy(s3, bucket, upload, 1)


def it_gives_copied_parts_the_uploads_checksum(s3, bucket, put):
    put("from", BODY)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="key", ChecksumAlgorithm="SHA256")["UploadId"]
    copied = copy(s3, bucket, upload, 1)
    sent = s3.upload_part(
        Bucket=bucket, Key="key", UploadId=upload, PartNumber=2, Body=BODY, ChecksumAlgorithm="SHA256"
    )
    assert copied["ChecksumSHA256"] == sent["ChecksumSHA256"]

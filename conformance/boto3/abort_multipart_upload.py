def it_ends_an_upload(s3, bucket, refusal):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="key")["UploadId"]
    s3.upload_part(Bucket=bucket, Key="key", UploadId=upload, PartNumber=1, Body=b"x")
    s3.abort_multipart_upload(Bucket=bucket, Key="key", UploadId=upload)
    assert "Uploads" not in s3.list_multipart_uploads(Bucket=bucket)
    with refusal(404, "NoSuchUpload"):
        s3.list_parts(Bucket=bucket, Key="key", UploadId=upload)


def it_leaves_the_object_that_is_there(s3, bucket, put):
    put("key", b"there")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="key")["UploadId"]
    s3.abort_multipart_upload(Bucket=bucket, Key="key", UploadId=upload)
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"there"


def it_refuses_an_upload_that_is_not_there(s3, bucket, refusal):
    with refusal(404, "NoSuchUpload"):
        s3.abort_multipart_upload(Bucket=bucket, Key="key", UploadId="nonsense")


def it_lets_the_bucket_be_deleted(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="a/b/key")["UploadId"]
    s3.abort_multipart_upload(Bucket=bucket, Key="a/b/key", UploadId=upload)
    s3.delete_bucket(Bucket=bucket)

def it_keeps_what_was_said_for_the_object(s3, bucket):
    upload = s3.create_multipart_upload(
        Bucket=bucket,
        Key="key",
        ContentType="video/mp4",
        CacheControl="no-store",
        Metadata={"a": "b"},
        Tagging="t=1",
        StorageClass="STANDARD_IA",
    )["UploadId"]
    part = s3.upload_part(Bucket=bucket, Key="key", UploadId=upload, PartNumber=1, Body=b"x")
    parts = [{"PartNumber": 1, "ETag": part["ETag"]}]
    s3.complete_multipart_upload(Bucket=bucket, Key="key", UploadId=upload, MultipartUpload={"Parts": parts})
    head = s3.head_object(Bucket=bucket, Key="key")
    assert (head["ContentType"], head["CacheControl"], head["Metadata"]) == ("video/mp4", "no-store", {"a": "b"})
    assert head["StorageClass"] == "STANDARD_IA"
    assert s3.get_object_tagging(Bucket=bucket, Key="key")["TagSet"] == [{"Key": "t", "Value": "1"}]


def it_makes_nothing_visible(s3, bucket, refusal):
    s3.create_multipart_upload(Bucket=bucket, Key="key")
    with refusal(404, "404"):
        s3.head_object(Bucket=bucket, Key="key")
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def it_tells_the_checksum_that_parts_need(s3, bucket):
    response = s3.create_multipart_upload(Bucket=bucket, Key="key", ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    assert (response["ChecksumAlgorithm"], response["ChecksumType"]) == ("CRC32", "FULL_OBJECT")


def it_refuses_a_type_that_the_algorithm_cannot_take(s3, bucket, refusal):
    with refusal(400, "InvalidRequest"):
        s3.create_multipart_upload(Bucket=bucket, Key="key", ChecksumAlgorithm="SHA256", ChecksumType="FULL_OBJECT")
    with refusal(400, "InvalidRequest"):
        s3.create_multipart_upload(Bucket=bucket, Key="key", ChecksumAlgorithm="CRC64NVME", ChecksumType="COMPOSITE")


def it_refuses_a_missing_bucket(s3, bucket_name, refusal):
    with refusal(404, "NoSuchBucket"):
        s3.create_multipart_upload(Bucket=bucket_name, Key="key")

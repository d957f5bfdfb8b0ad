import pytest

ALL = ["ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"]


def it_tells_all_of_a_plain_object(s3, bucket, put):
    stored = put("key", b"x" * 1000, ChecksumAlgorithm="SHA256")
    response = s3.get_object_attributes(Bucket=bucket, Key="key", ObjectAttributes=ALL)
    assert response["ETag"] == stored["ETag"].strip('"')
    assert response["ObjectSize"] == 1000
    assert response["StorageClass"] == "STANDARD"
    assert response["Checksum"]["ChecksumSHA256"] == stored["ChecksumSHA256"]
    assert response["Checksum"]["ChecksumType"] == "FULL_OBJECT"
    assert "ObjectParts" not in response
    assert response["LastModified"]


@pytest.mark.parametrize("attribute,member", [("ETag", "ETag"), ("ObjectSize", "ObjectSize")])
def it_tells_only_what_was_asked(s3, bucket, put, attribute, member):
    put("key")
    response = s3.get_object_attributes(Bucket=bucket, Key="key", ObjectAttributes=[attribute])
    told = {name for name in response if name in {"ETag", "Checksum", "ObjectParts", "StorageClass", "ObjectSize"}}
    assert told == {member}


def it_pages_through_parts(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="key", ChecksumAlgorithm="CRC32C")["UploadId"]
    parts = []
    for number, body in [(1, b"a" * (5 << 20)), (2, b"b" * (5 << 20)), (7, b"c")]:
        part = s3.upload_part(
            Bucket=bucket, Key="key", UploadId=upload, PartNumber=number, Body=body, ChecksumAlgorithm="CRC32C"
        )
        parts.append({"PartNumber": number, "ETag": part["ETag"], "ChecksumCRC32C": part["ChecksumCRC32C"]})
    s3.complete_multipart_upload(Bucket=bucket, Key="key", UploadId=upload, MultipartUpload={"Parts": parts})
    first = s3.get_object_attributes(Bucket=bucket, Key="key", ObjectAttributes=["ObjectParts"], MaxParts=2)
    assert first["ObjectParts"]["TotalPartsCount"] == 3
    assert first["ObjectParts"]["IsTruncated"] is True
    rest = s3.get_object_attributes(
        Bucket=bucket,
        Key="key",
        ObjectAttributes=["ObjectParts"],
        PartNumberMarker=first["ObjectParts"]["NextPartNumberMarker"],
    )
    told = first["ObjectParts"]["Parts"] + rest["ObjectParts"]["Parts"]
    assert [part["Size"] for part in told] == [5 << 20, 5 << 20, 1]
    assert [part["ChecksumCRC32C"] for part in told] == [part["ChecksumCRC32C"] for part in parts]


def it_refuses_a_missing_key(s3, bucket, refusal):
    with refusal(404, "NoSuchKey"):
        s3.get_object_attributes(Bucket=bucket, Key="key", ObjectAttributes=["ETag"])

import pytest


@pytest.fixture
def upload(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="key", StorageClass="STANDARD_IA")["UploadId"]
    for number in [3, 1, 10_000, 7]:
        s3.upload_part(Bucket=bucket, Key="key", UploadId=upload, PartNumber=number, Body=b"x" * number)
    return upload


def it_lists_in_order_of_numbers(s3, bucket, upload):
    response = s3.list_parts(Bucket=bucket, Key="key", UploadId=upload)
    assert [(part["PartNumber"], part["Size"]) for part in response["Parts"]] == [(1, 1), (3, 3), (7, 7), (10_000, 10_000)]
    assert response["IsTruncated"] is False
    assert response["StorageClass"] == "STANDARD_IA"
    assert response["Initiator"]["ID"] and response["Owner"]["ID"]
    assert all(part["ETag"] and part["LastModified"] for part in response["Parts"])


def it_pages(s3, bucket, upload):
    pages = s3.get_paginator("list_parts").paginate(
        Bucket=bucket, Key="key", UploadId=upload, PaginationConfig={"PageSize": 1}
    )
    assert [part["PartNumber"] for page in pages for part in page.get("Parts", [])] == [1, 3, 7, 10_000]


def it_begins_after_a_marker(s3, bucket, upload):
    response = s3.list_parts(Bucket=bucket, Key="key", UploadId=upload, PartNumberMarker=3)
    assert [part["PartNumber"] for part in response["Parts"]] == [7, 10_000]


def it_tells_checksums_of_parts(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="key", ChecksumAlgorithm="SHA1")["UploadId"]
    sent = s3.upload_part(
        Bucket=bucket, Key="key", UploadId=upload, PartNumber=1, Body=b"x", ChecksumAlgorithm="SHA1"
    )
    response = s3.list_parts(Bucket=bucket, Key="key", UploadId=upload)
    assert response["ChecksumAlgorithm"] == "SHA1"
    assert response["Parts"][0]["ChecksumSHA1"] == sent["ChecksumSHA1"]

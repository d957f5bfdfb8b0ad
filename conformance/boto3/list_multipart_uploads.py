def told(response):
    return [(each["Key"], each["UploadId"]) for each in response.get("Uploads", [])]


def it_lists_by_key_then_age(s3, bucket):
    made = [(key, s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]) for key in ["b", "a", "a/x", "a"]]
    response = s3.list_multipart_uploads(Bucket=bucket)
    assert told(response) == [made[1], made[3], made[2], made[0]]
    assert all(each["Initiated"] and each["Owner"]["ID"] and each["Initiator"]["ID"] for each in response["Uploads"])


def it_pages(s3, bucket):
    made = [(key, s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]) for key in ["a", "a", "a", "b", "c"]]
    pages = s3.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, PaginationConfig={"PageSize": 2})
    assert [each for page in pages for each in told(page)] == made


def it_rolls_up_by_delimiter(s3, bucket):
    for key in ["a/1", "a/2", "b", "c/d/e"]:
        s3.create_multipart_upload(Bucket=bucket, Key=key)
    response = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [each["Key"] for each in response["Uploads"]] == ["b"]
    assert [each["Prefix"] for each in response["CommonPrefixes"]] == ["a/", "c/"]


def it_lists_by_prefix(s3, bucket):
    for key in ["a/1", "a/2", "b"]:
        s3.create_multipart_upload(Bucket=bucket, Key=key)
    response = s3.list_multipart_uploads(Bucket=bucket, Prefix="a/")
    assert [each["Key"] for each in response["Uploads"]] == ["a/1", "a/2"]

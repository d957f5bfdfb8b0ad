def it_tells_one_version_null_a_key(s3, bucket, put):
    for key in ["a", "a/b", "c"]:
        put(key)
    response = s3.list_object_versions(Bucket=bucket)
    told = [(each["Key"], each["VersionId"], each["IsLatest"]) for each in response["Versions"]]
    assert told == [("a", "null", True), ("a/b", "null", True), ("c", "null", True)]
    assert "DeleteMarkers" not in response


def it_pages_with_prefix_and_delimiter(s3, bucket, put):
    for key in ["a/1", "a/2", "a/b/3", "a/c/4", "a/d", "e"]:
        put(key)
    pages = s3.get_paginator("list_object_versions").paginate(
        Bucket=bucket, Prefix="a/", Delimiter="/", PaginationConfig={"PageSize": 1}
    )
    keys, prefixes = [], []
    for page in pages:
        keys += [each["Key"] for each in page.get("Versions", [])]
        prefixes += [each["Prefix"] for each in page.get("CommonPrefixes", [])]
    assert keys == ["a/1", "a/2", "a/d"]
    assert prefixes == ["a/b/", "a/c/"]


def it_says_that_versioning_is_off(s3, bucket):
    assert "Status" not in s3.get_bucket_versioning(Bucket=bucket)

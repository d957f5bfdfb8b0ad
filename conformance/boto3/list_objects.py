"""Version 1: markers."""

import pytest


def keys(response):
    return [each["Key"] for each in response.get("Contents", [])]


def prefixes(response):
    return [each["Prefix"] for each in response.get("CommonPrefixes", [])]


def it_lists_nothing_in_an_empty_bucket(s3, bucket):
    response = s3.list_objects(Bucket=bucket)
    assert keys(response) == [] and prefixes(response) == [] and response["IsTruncated"] is False


def it_tells_size_etag_owner_and_class(s3, bucket, put):
    etag = put("key", b"12345")["ETag"]
    listed = s3.list_objects(Bucket=bucket)["Contents"][0]
    assert (listed["Size"], listed["ETag"], listed["StorageClass"]) == (5, etag, "STANDARD")
    assert listed["Owner"]["ID"] == s3.list_buckets()["Owner"]["ID"]


@pytest.mark.parametrize("page", [1, 2, 3, 1000])
def it_pages_by_marker(s3, bucket, put, page):
    names = ["a", "a+b", "a/", "a/b", "a/c/d", "b", "c%20d", "é"]
    for name in names:
        put(name)
    pages = s3.get_paginator("list_objects").paginate(Bucket=bucket, PaginationConfig={"PageSize": page})
    assert [key for response in pages for key in keys(response)] == sorted(names, key=lambda name: name.encode())


def it_pages_by_next_marker_with_a_delimiter(s3, bucket, put):
    for name in ["asdf", "boo/bar", "boo/baz/xyzzy", "cquux/thud", "cquux/bla"]:
        put(name)
    first = s3.list_objects(Bucket=bucket, Delimiter="/", MaxKeys=1)
    assert (keys(first), prefixes(first), first["NextMarker"]) == (["asdf"], [], "asdf")
    second = s3.list_objects(Bucket=bucket, Delimiter="/", Marker="asdf", MaxKeys=1)
    assert (keys(second), prefixes(second), second["NextMarker"]) == ([], ["boo/"], "boo/")
    third = s3.list_objects(Bucket=bucket, Delimiter="/", Marker="boo/")
    assert (keys(third), prefixes(third), third["IsTruncated"]) == ([], ["cquux/"], False)


def it_begins_after_a_marker_that_is_not_there(s3, bucket, put):
    for name in ["bar", "baz", "foo", "quxx"]:
        put(name)
    assert keys(s3.list_objects(Bucket=bucket, Marker="blah")) == ["foo", "quxx"]


def it_answers_max_keys_0_with_nothing(s3, bucket, put):
    put("a")
    response = s3.list_objects(Bucket=bucket, MaxKeys=0)
    assert keys(response) == [] and response["IsTruncated"] is False


def it_refuses_a_missing_bucket(s3, bucket_name, refusal):
    with refusal(404, "NoSuchBucket"):
        s3.list_objects(Bucket=bucket_name)


def it_refuses_another_account(alt, bucket, refusal):
    with refusal(403, "AccessDenied"):
        alt.list_objects(Bucket=bucket)

def it_deletes(s3, bucket, put, refusal):
    put("key")
    response = s3.delete_object(Bucket=bucket, Key="key")
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 204
    with refusal(404, "NoSuchKey"):
        s3.get_object(Bucket=bucket, Key="key")


def it_succeeds_on_a_key_that_is_not_there(s3, bucket):
    response = s3.delete_object(Bucket=bucket, Key="never/was")
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 204


def it_leaves_keys_under_and_beside_it(s3, bucket, put):
    for key in ["a", "a/", "a/b", "a/b/c", "ab"]:
        put(key)
    s3.delete_object(Bucket=bucket, Key="a")
    s3.delete_object(Bucket=bucket, Key="a/b")
    s3.delete_object(Bucket=bucket, Key="a/")
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["a/b/c", "ab"]


def it_obeys_if_match(s3, bucket, put, refusal):
    etag = put("key")["ETag"]
    with refusal(412, "PreconditionFailed"):
        s3.delete_object(Bucket=bucket, Key="key", IfMatch='"other"')
    s3.delete_object(Bucket=bucket, Key="key", IfMatch=etag)
    with refusal(404, "404"):
        s3.head_object(Bucket=bucket, Key="key")


def it_takes_if_match_any(s3, bucket, put):
    put("key")
    s3.delete_object(Bucket=bucket, Key="key", IfMatch="*")
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def it_refuses_a_missing_bucket(s3, bucket_name, refusal):
    with refusal(404, "NoSuchBucket"):
        s3.delete_object(Bucket=bucket_name, Key="key")


def it_refuses_another_account(alt, bucket, put, refusal):
    put("key")
    with refusal(403, "AccessDenied"):
        alt.delete_object(Bucket=bucket, Key="key")

def delete(s3, bucket, keys, **more):
    return s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in keys], **more})


def it_deletes_a_thousand(s3, bucket, put):
    keys = [f"k{number:04}" for number in range(1000)]
    for key in keys[:50]:
        put(key)
    response = delete(s3, bucket, keys)
    assert sorted(each["Key"] for each in response["Deleted"]) == keys
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def it_refuses_a_thousand_and_one(s3, bucket, put, refusal):
    put("k0")
    with refusal(400, "MalformedXML"):
        delete(s3, bucket, [f"k{number}" for number in range(1001)])
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1


def it_is_quiet_when_asked(s3, bucket, put):
    put("a")
    response = delete(s3, bucket, ["a", "b"], Quiet=True)
    assert "Deleted" not in response and "Errors" not in response


def it_deletes_keys_that_need_escaping(s3, bucket, put):
    keys = ["a&b", "<c>", '"d"', "e'f", " g ", "h\ti", "j%20k", "l+m", "ñ/ö/漢字/🎉", "]]>"]
    for key in keys:
        put(key)
    response = delete(s3, bucket, keys)
    assert sorted(each["Key"] for each in response["Deleted"]) == sorted(keys)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def it_answers_each_key_by_itself(s3, bucket, put):
    put("a")
    etag = put("b")["ETag"]
    response = s3.delete_objects(
        Bucket=bucket,
        Delete={"Objects": [{"Key": "a", "ETag": '"other"'}, {"Key": "b", "ETag": etag}, {"Key": "c", "VersionId": "x"}]},
    )
    assert [each["Key"] for each in response["Deleted"]] == ["b"]
    codes = {each["Key"]: each["Code"] for each in response["Errors"]}
    assert codes == {"a": "PreconditionFailed", "c": "NoSuchVersion"}
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["a"]


def it_takes_the_version_null(s3, bucket, put):
    put("a")
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a", "VersionId": "null"}]})
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def it_takes_a_bypass_of_retention_that_is_not_there(s3, bucket, put):
    put("a")
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "a"}]}, BypassGovernanceRetention=True)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)

"""GetObjectTagging, PutObjectTagging, DeleteObjectTagging."""


def get(s3, bucket):
    tags = s3.get_object_tagging(Bucket=bucket, Key="key")["TagSet"]
    return {tag["Key"]: tag["Value"] for tag in tags}


def set_tags(s3, bucket, tags):
    s3.put_object_tagging(
        Bucket=bucket, Key="key", Tagging={"TagSet": [{"Key": key, "Value": value} for key, value in tags]}
    )


def it_has_none_at_first(s3, bucket, put):
    put("key")
    assert get(s3, bucket) == {}
    assert "TagCount" not in s3.get_object(Bucket=bucket, Key="key")


def it_replaces_the_whole_set(s3, bucket, put):
    put("key", Tagging="a=1&b=2")
    set_tags(s3, bucket, [("c", "3"), ("with blank", "é/+=:@._-")])
    assert get(s3, bucket) == {"c": "3", "with blank": "é/+=:@._-"}


def it_deletes_the_set(s3, bucket, put):
    put("key", Tagging="a=1")
    s3.delete_object_tagging(Bucket=bucket, Key="key")
    assert get(s3, bucket) == {}


def it_does_not_change_the_object(s3, bucket, put):
    put("key", b"bytes")
    before = s3.head_object(Bucket=bucket, Key="key")
    set_tags(s3, bucket, [("a", "1")])
    after = s3.head_object(Bucket=bucket, Key="key")
    assert (after["ETag"], after["LastModified"]) == (before["ETag"], before["LastModified"])


def it_takes_ten_of_the_longest_and_no_more(s3, bucket, put, refusal):
    put("key")
    longest = [(f"{number}".ljust(128, "k"), "v" * 256) for number in range(10)]
    set_tags(s3, bucket, longest)
    assert get(s3, bucket) == dict(longest)
    for wrong in [[(f"k{number}", "") for number in range(11)], [("k" * 129, "")], [("k", "v" * 257)], [("a", ""), ("a", "")]]:
        with refusal(400, "InvalidTag"):
            set_tags(s3, bucket, wrong)
    assert get(s3, bucket) == dict(longest)


def it_refuses_a_missing_key(s3, bucket, refusal):
    with refusal(404, "NoSuchKey"):
        get(s3, bucket)
    with refusal(404, "NoSuchKey"):
        set_tags(s3, bucket, [("a", "1")])

import hashlib
import io

import pytest


@pytest.mark.parametrize("size", [0, 1, 1_900, 4_096, 131_072, 1 << 20, (8 << 20) + 1])
def it_stores_bytes_of_every_size(s3, bucket, put, size):
    body = bytes(index * 31 % 251 for index in range(min(size, 65_536))) * (size // 65_536 + 1)
    body = body[:size]
    response = put("key", body)
    assert response["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == body


def it_takes_a_file_like_body(s3, bucket, put):
    put("key", io.BytesIO(b"from a file" * 1000))
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"from a file" * 1000


def it_takes_a_body_that_cannot_seek(s3, bucket):
    class Stream(io.RawIOBase):
        def __init__(self):
            self.left = 100_000

        def readable(self):
            return True

        def seekable(self):
            return False

        def read(self, amount=-1):
            amount = self.left if amount < 0 else min(amount, self.left)
            self.left -= amount
            return b"s" * amount

    s3.upload_fileobj(Stream(), bucket, "key")
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"s" * 100_000


def it_replaces_an_object_whole(s3, bucket, put):
    put("key", b"a" * 300_000, Metadata={"old": "1"}, ContentType="text/old")
    put("key", b"new")
    response = s3.get_object(Bucket=bucket, Key="key")
    assert response["Body"].read() == b"new"
    assert response["Metadata"] == {}
    assert response["ContentType"] == "binary/octet-stream"


def it_keeps_metadata_and_headers(s3, bucket, put):
    headers = {
        "CacheControl": "max-age=60",
        "ContentDisposition": 'attachment; filename="a b.txt"',
        "ContentEncoding": "gzip",
        "ContentLanguage": "de-AT, en",
        "ContentType": "text/plain; charset=utf-8",
        "WebsiteRedirectLocation": "/elsewhere",
    }
    put("key", b"x", Metadata={"Mixed-Case": "Value", "empty": "", "plain": "a  b"}, **headers)
    response = s3.head_object(Bucket=bucket, Key="key")
    assert response["Metadata"]["mixed-case"] == "Value"
    assert response["Metadata"]["empty"] == ""
    for name, value in headers.items():
        assert response[name] == value


def it_keeps_an_expiry_date_as_sent(s3, bucket, put):
    put("key", b"x", Expires="Wed, 21 Oct 2065 07:28:00 GMT")
    assert s3.head_object(Bucket=bucket, Key="key")["ExpiresString"] == "Wed, 21 Oct 2065 07:28:00 GMT"


def it_takes_metadata_of_2_kib_and_no_more(put, refusal):
    put("key", b"x", Metadata={"m": "v" * 2047})
    with refusal(400, "MetadataTooLarge"):
        put("key", b"x", Metadata={"m": "v" * 2048})


def it_keeps_the_storage_class(s3, bucket, put):
    put("key", b"x", StorageClass="STANDARD_IA")
    assert s3.head_object(Bucket=bucket, Key="key")["StorageClass"] == "STANDARD_IA"
    assert s3.list_objects_v2(Bucket=bucket)["Contents"][0]["StorageClass"] == "STANDARD_IA"


def it_keeps_tags_of_a_header(s3, bucket, put):
    put("key", b"x", Tagging="colour=blue&empty=&with%20blank=1%2B1")
    tags = {tag["Key"]: tag["Value"] for tag in s3.get_object_tagging(Bucket=bucket, Key="key")["TagSet"]}
    assert tags == {"colour": "blue", "empty": "", "with blank": "1+1"}
    assert s3.get_object(Bucket=bucket, Key="key")["TagCount"] == 3


def it_creates_only_if_none_matches(s3, bucket, put, refusal):
    put("key", b"first", IfNoneMatch="*")
    with refusal(412, "PreconditionFailed"):
        put("key", b"second", IfNoneMatch="*")
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"first"


def it_replaces_only_if_it_matches(s3, bucket, put, refusal):
    first = put("key", b"first")["ETag"]
    second = put("key", b"second", IfMatch=first)["ETag"]
    with refusal(412, "PreconditionFailed"):
        put("key", b"third", IfMatch=first)
    assert s3.head_object(Bucket=bucket, Key="key")["ETag"] == second


def it_says_404_to_if_match_on_a_missing_key(put, refusal):
    with refusal(404, "NoSuchKey"):
        put("key", b"x", IfMatch='"d41d8cd98f00b204e9800998ecf8427e"')


def it_refuses_a_wrong_content_md5(s3, bucket, put, refusal):
    with refusal(400, "BadDigest"):
        put("key", b"x", ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")
    with refusal(404, "404"):
        s3.head_object(Bucket=bucket, Key="key")


def it_refuses_a_missing_bucket(s3, bucket_name, refusal):
    with refusal(404, "NoSuchBucket"):
        s3.put_object(Bucket=bucket_name, Key="key", Body=b"x")


def it_refuses_another_account(alt, bucket, refusal):
    with refusal(403, "AccessDenied"):
        alt.put_object(Bucket=bucket, Key="key", Body=b"x")


def it_checks_the_expected_owner(s3, bucket, put, refusal):
    owner = s3.list_buckets()["Owner"]["ID"]
    put("key", b"x", ExpectedBucketOwner=owner)
    with refusal(403, "AccessDenied"):
        put("key", b"x", ExpectedBucketOwner="111122223333")


def it_refuses_what_it_does_not_do(put, refusal):
    for more in [
        {"ServerSideEncryption": "aws:kms"},
        {"ACL": "public-read"},
        {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": "2066-01-01T00:00:00Z"},
        {"GrantRead": "id=1"},
    ]:
        with refusal(501, "NotImplemented"):
            put("key", b"x", **more)


def it_takes_the_acls_that_are_true_anyway(put):
    put("key", b"x", ACL="private")
    put("key", b"x", ACL="bucket-owner-full-control")

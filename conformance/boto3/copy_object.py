from datetime import timedelta

import pytest


@pytest.fixture
def source(bucket, put):
    put("from", b"bytes" * 1000, Metadata={"a": "b"}, ContentType="text/plain", Tagging="t=1")
    return {"Bucket": bucket, "Key": "from"}


def it_copies_bytes_metadata_tags_and_etag(s3, bucket, source):
    result = s3.copy_object(Bucket=bucket, Key="to", CopySource=source)["CopyObjectResult"]
    original = s3.head_object(**source)
    copied = s3.get_object(Bucket=bucket, Key="to")
    assert copied["Body"].read() == b"bytes" * 1000
    assert result["ETag"] == copied["ETag"] == original["ETag"]
    assert (copied["Metadata"], copied["ContentType"]) == ({"a": "b"}, "text/plain")
    assert s3.get_object_tagging(Bucket=bucket, Key="to")["TagSet"] == [{"Key": "t", "Value": "1"}]


def it_replaces_metadata_when_told(s3, bucket, source):
    s3.copy_object(
        Bucket=bucket,
        Key="to",
        CopySource=source,
        MetadataDirective="REPLACE",
        Metadata={"c": "d"},
        ContentType="image/png",
        TaggingDirective="REPLACE",
        Tagging="u=2",
    )
    copied = s3.head_object(Bucket=bucket, Key="to")
    assert (copied["Metadata"], copied["ContentType"]) == ({"c": "d"}, "image/png")
    assert s3.get_object_tagging(Bucket=bucket, Key="to")["TagSet"] == [{"Key": "u", "Value": "2"}]


def it_leaves_the_copy_when_the_source_goes(s3, bucket, source, put):
    s3.copy_object(Bucket=bucket, Key="to", CopySource=source)
    put("from", b"other")
    s3.delete_object(**source)
    assert s3.get_object(Bucket=bucket, Key="to")["Body"].read() == b"bytes" * 1000


def it_copies_between_buckets(s3, bucket_name, source):
    other = f"{bucket_name}-other"
    s3.create_bucket(Bucket=other)
    s3.copy_object(Bucket=other, Key="to", CopySource=source)
    assert s3.get_object(Bucket=other, Key="to")["Body"].read() == b"bytes" * 1000


@pytest.mark.parametrize("key", ["a b+c%20d/é漢", "?versionId", "a?versionId=x", "..", "a//b", "%25"])
def it_copies_keys_that_need_encoding(s3, bucket, put, key):
    put(key, b"special")
    s3.copy_object(Bucket=bucket, Key="to", CopySource={"Bucket": bucket, "Key": key})
    assert s3.get_object(Bucket=bucket, Key="to")["Body"].read() == b"special"


def it_refuses_a_copy_onto_itself_that_changes_nothing(s3, source, refusal):
    with refusal(400, "InvalidRequest"):
        s3.copy_object(**source, CopySource=source)


def it_changes_metadata_in_place(s3, source):
    s3.copy_object(**source, CopySource=source, MetadataDirective="REPLACE", Metadata={"new": "1"})
    response = s3.get_object(**source)
    assert response["Metadata"] == {"new": "1"}
    assert response["Body"].read() == b"bytes" * 1000


def it_obeys_conditions_on_the_source(s3, bucket, source, refusal):
    head = s3.head_object(**source)
    etag, modified = head["ETag"], head["LastModified"]

    def copy(**conditions):
        return s3.copy_object(Bucket=bucket, Key="to", CopySource=source, **conditions)

    copy(CopySourceIfMatch=etag)
    copy(CopySourceIfNoneMatch='"other"')
    copy(CopySourceIfUnmodifiedSince=modified + timedelta(seconds=5))
    copy(CopySourceIfModifiedSince=modified - timedelta(seconds=5))
    copy(CopySourceIfMatch=etag, CopySourceIfUnmodifiedSince=modified - timedelta(seconds=5))
    for conditions in [
        {"CopySourceIfMatch": '"other"'},
        {"CopySourceIfNoneMatch": etag},
        {"CopySourceIfUnmodifiedSince": modified - timedelta(seconds=5)},
        {"CopySourceIfModifiedSince": modified},
        {"CopySourceIfNoneMatch": etag, "CopySourceIfModifiedSince": modified - timedelta(seconds=5)},
    ]:
        with refusal(412, "PreconditionFailed"):
            copy(**conditions)


def it_obeys_conditions_on_the_target(s3, bucket, source, put, refusal):
    s3.copy_object(Bucket=bucket, Key="to", CopySource=source, IfNoneMatch="*")
    with refusal(412, "PreconditionFailed"):
        s3.copy_object(Bucket=bucket, Key="to", CopySource=source, IfNoneMatch="*")
    etag = put("to", b"other")["ETag"]
    s3.copy_object(Bucket=bucket, Key="to", CopySource=source, IfMatch=etag)
    with refusal(412, "PreconditionFailed"):
        s3.copy_object(Bucket=bucket, Key="to", CopySource=source, IfMatch=etag)


def it_refuses_a_source_that_is_missing(s3, bucket, refusal):
    with refusal(404, "NoSuchKey"):
        s3.copy_object(Bucket=bucket, Key="to", CopySource={"Bucket": bucket, "Key": "missing"})


def it_refuses_a_source_of_another_account(alt, bucket_name, source, refusal):
    own = f"{bucket_name}-alt"
    alt.create_bucket(Bucket=own)
    with refusal(403, "AccessDenied"):
        alt.copy_object(Bucket=own, Key="to", CopySource=source)


def it_keeps_the_checksum(s3, bucket, put):
    put("summed", b"x" * 1000, ChecksumAlgorithm="SHA256")
    s3.copy_object(Bucket=bucket, Key="to", CopySource={"Bucket": bucket, "Key": "summed"})
    original = s3.head_object(Bucket=bucket, Key="summed", ChecksumMode="ENABLED")
    copied = s3.head_object(Bucket=bucket, Key="to", ChecksumMode="ENABLED")
    assert copied["ChecksumSHA256"] == original["ChecksumSHA256"]


def it_computes_another_checksum_when_asked(s3, bucket, put):
    put("crc", b"x" * 1000, ChecksumAlgorithm="CRC32")
    put("sha", b"x" * 1000, ChecksumAlgorithm="SHA1")
    result = s3.copy_object(
        Bucket=bucket, Key="to", CopySource={"Bucket": bucket, "Key": "crc"}, ChecksumAlgorithm="SHA1"
    )["CopyObjectResult"]
    sha = s3.head_object(Bucket=bucket, Key="sha", ChecksumMode="ENABLED")["ChecksumSHA1"]
    assert result["ChecksumSHA1"] == sha
    assert s3.head_object(Bucket=bucket, Key="to", ChecksumMode="ENABLED")["ChecksumSHA1"] == sha

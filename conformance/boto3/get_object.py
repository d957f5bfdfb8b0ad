from datetime import datetime, timedelta, timezone

import pytest

BODY = bytes(range(256)) * 1024


@pytest.fixture
def stored(put):
    return put("key", BODY, ContentType="text/plain")


def get(s3, bucket, **more):
    return s3.get_object(Bucket=bucket, Key="key", **more)


def it_gives_bytes_and_headers(s3, bucket, stored):
    response = get(s3, bucket)
    assert response["Body"].read() == BODY
    assert response["ContentLength"] == len(BODY)
    assert response["ETag"] == stored["ETag"]
    assert response["AcceptRanges"] == "bytes"
    assert abs(response["LastModified"] - datetime.now(timezone.utc)) < timedelta(minutes=5)
    assert response["ResponseMetadata"]["RequestId"]


@pytest.mark.parametrize(
    "asked,start,end",
    [
        ("bytes=0-0", 0, 0),
        ("bytes=5-9", 5, 9),
        ("bytes=4095-4096", 4095, 4096),
        ("bytes=65530-131090", 65530, 131090),
        ("bytes=262143-", 262143, 262143),
        ("bytes=100000-", 100000, 262143),
        ("bytes=-1", 262143, 262143),
        ("bytes=-70000", 192144, 262143),
        ("bytes=-999999", 0, 262143),
        ("bytes=262000-999999", 262000, 262143),
    ],
)
def it_gives_ranges(s3, bucket, stored, asked, start, end):
    response = get(s3, bucket, Range=asked)
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert response["ContentRange"] == f"bytes {start}-{end}/{len(BODY)}"
    assert response["ContentLength"] == end - start + 1
    assert response["Body"].read() == BODY[start : end + 1]


def it_refuses_a_range_behind_the_end(s3, bucket, stored, refusal):
    with refusal(416, "InvalidRange") as refused:
        get(s3, bucket, Range="bytes=262144-")
    assert refused.response["Error"]["ActualObjectSize"] == "262144"


def it_refuses_any_range_of_nothing(s3, bucket, put, refusal):
    put("key", b"")
    with refusal(416, "InvalidRange"):
        get(s3, bucket, Range="bytes=0-0")


def it_gives_the_whole_for_several_ranges(s3, bucket, stored):
    response = get(s3, bucket, Range="bytes=0-1,5-6")
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert response["Body"].read() == BODY


def it_obeys_if_match(s3, bucket, stored, refusal):
    assert get(s3, bucket, IfMatch=stored["ETag"])["ContentLength"] == len(BODY)
    with refusal(412, "PreconditionFailed"):
        get(s3, bucket, IfMatch='"other"')


def it_obeys_if_none_match(s3, bucket, stored, refusal):
    assert get(s3, bucket, IfNoneMatch='"other"')["ContentLength"] == len(BODY)
    with refusal(304, "304"):
        get(s3, bucket, IfNoneMatch=stored["ETag"])


def it_obeys_dates(s3, bucket, stored, refusal):
    modified = get(s3, bucket)["LastModified"]
    assert get(s3, bucket, IfModifiedSince=modified - timedelta(seconds=10))["ContentLength"]
    assert get(s3, bucket, IfUnmodifiedSince=modified)["ContentLength"]
    with refusal(304, "304"):
        get(s3, bucket, IfModifiedSince=modified)
    with refusal(412, "PreconditionFailed"):
        get(s3, bucket, IfUnmodifiedSince=modified - timedelta(seconds=10))


def it_lets_an_etag_that_matches_outweigh_a_date_that_does_not(s3, bucket, stored):
    past = get(s3, bucket)["LastModified"] - timedelta(seconds=10)
    assert get(s3, bucket, IfMatch=stored["ETag"], IfUnmodifiedSince=past)["ContentLength"]


def it_overrides_response_headers(s3, bucket, stored):
    response = get(
        s3,
        bucket,
        ResponseCacheControl="no-cache",
        ResponseContentDisposition='inline; filename="b;c.txt"',
        ResponseContentEncoding="identity",
        ResponseContentLanguage="fr",
        ResponseContentType="application/x-other",
        ResponseExpires=datetime(2066, 1, 1, tzinfo=timezone.utc),
    )
    assert response["CacheControl"] == "no-cache"
    assert response["ContentDisposition"] == 'inline; filename="b;c.txt"'
    assert response["ContentEncoding"] == "identity"
    assert response["ContentLanguage"] == "fr"
    assert response["ContentType"] == "application/x-other"
    assert response["ExpiresString"] == "Fri, 01 Jan 2066 00:00:00 GMT"


def it_gives_part_1_of_a_plain_object(s3, bucket, stored, refusal):
    response = get(s3, bucket, PartNumber=1)
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert response["Body"].read() == BODY
    with refusal(416, "InvalidPartNumber"):
        get(s3, bucket, PartNumber=2)


def it_knows_the_version_null_and_no_other(s3, bucket, stored, refusal):
    assert get(s3, bucket, VersionId="null")["ContentLength"] == len(BODY)
    with refusal(404, "NoSuchVersion"):
        get(s3, bucket, VersionId="3sL4kqtJlcpXroDTDmJ.rmSpXd3dIbrHY")


def it_refuses_a_missing_key(s3, bucket, refusal):
    with refusal(404, "NoSuchKey") as refused:
        get(s3, bucket)
    assert refused.response["Error"]["Key"] == "key"


def it_refuses_a_missing_bucket(s3, bucket_name, refusal):
    with refusal(404, "NoSuchBucket"):
        get(s3, bucket_name)


def it_refuses_another_account(alt, bucket, stored, refusal):
    with refusal(403, "AccessDenied"):
        get(alt, bucket)


def it_keeps_serving_the_old_bytes_to_a_reader_that_has_begun(s3, bucket, put):
    put("key", b"o" * (24 << 20))
    body = get(s3, bucket)["Body"]
    begun = body.read(65_536)
    put("key", b"n")
    s3.delete_object(Bucket=bucket, Key="key")
    rest = body.read()
    assert set(begun + rest) == {ord("o")}
    assert len(begun) + len(rest) == 24 << 20

from datetime import timedelta


def head(s3, bucket, **more):
    return s3.head_object(Bucket=bucket, Key="key", **more)


def it_tells_what_get_would(s3, bucket, put):
    stored = put("key", b"0123456789", ContentType="text/plain", Metadata={"a": "b"})
    response = head(s3, bucket)
    assert (response["ContentLength"], response["ContentType"]) == (10, "text/plain")
    assert (response["ETag"], response["Metadata"]) == (stored["ETag"], {"a": "b"})


def it_tells_the_length_of_a_range(s3, bucket, put):
    put("key", b"0123456789")
    response = head(s3, bucket, Range="bytes=2-5")
    assert response["ContentLength"] == 4
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 206


def it_obeys_conditions(s3, bucket, put, refusal):
    etag = put("key")["ETag"]
    modified = head(s3, bucket, IfMatch=etag)["LastModified"]
    with refusal(412, "412"):
        head(s3, bucket, IfMatch='"other"')
    with refusal(304, "304"):
        head(s3, bucket, IfNoneMatch=etag)
    with refusal(304, "304"):
        head(s3, bucket, IfModifiedSince=modified + timedelta(seconds=1))


def it_overrides_response_headers(s3, bucket, put):
    put("key")
    assert head(s3, bucket, ResponseContentType="image/png")["ContentType"] == "image/png"


def it_says_404_of_a_missing_key(s3, bucket, refusal):
    with refusal(404, "404"):
        head(s3, bucket)

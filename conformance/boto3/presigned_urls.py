import os
import ssl
import urllib.error
import urllib.request

CERTIFICATE = os.environ.get("FACET_CERTIFICATE")
CONTEXT = ssl.create_default_context(cafile=CERTIFICATE) if CERTIFICATE else None


def send(url, method="GET", body=None, headers=None):
    """Status, headers and body: as a browser would, with no key."""
    request = urllib.request.Request(url, data=body, method=method, headers=headers or {})
    try:
        with urllib.request.urlopen(request, context=CONTEXT) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def url_for(signer, operation, bucket, key="a b/é+%", expires=60, **more):
    return signer.generate_presigned_url(operation, Params={"Bucket": bucket, "Key": key, **more}, ExpiresIn=expires)


def it_gets(signer, bucket, put):
    put("a b/é+%", b"bytes")
    assert send(url_for(signer, "get_object", bucket))[2] == b"bytes"


def it_gets_with_other_response_headers(signer, bucket, put):
    put("a b/é+%", b"bytes")
    more = {"ResponseContentType": "text/x", "ResponseContentDisposition": 'attachment; filename="ü.txt"'}
    _, headers, _ = send(url_for(signer, "get_object", bucket, **more))
    assert headers["Content-Type"] == "text/x"


def it_heads(signer, bucket, put):
    put("a b/é+%", b"bytes")
    assert send(url_for(signer, "head_object", bucket), "HEAD")[1]["Content-Length"] == "5"


def it_puts_and_deletes(s3, signer, bucket):
    status, _, _ = send(url_for(signer, "put_object", bucket), "PUT", b"sent", {"Content-Type": ""})
    assert status == 200
    assert s3.get_object(Bucket=bucket, Key="a b/é+%")["Body"].read() == b"sent"
    assert send(url_for(signer, "delete_object", bucket), "DELETE")[0] == 204
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)


def it_puts_metadata_that_was_signed(s3, signer, bucket):
    url = url_for(signer, "put_object", bucket, Metadata={"a": "b"}, ContentType="text/plain")
    assert send(url, "PUT", b"x", {"Content-Type": "text/plain", "x-amz-meta-a": "b"})[0] == 200
    assert s3.head_object(Bucket=bucket, Key="a b/é+%")["Metadata"] == {"a": "b"}
    assert send(url, "PUT", b"x", {"Content-Type": "text/plain", "x-amz-meta-a": "c"})[0] == 403


def it_uploads_a_part(s3, signer, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="key")["UploadId"]
    url = url_for(signer, "upload_part", bucket, key="key", UploadId=upload, PartNumber=1)
    status, headers, _ = send(url, "PUT", b"part", {"Content-Type": ""})
    assert status == 200
    parts = [{"PartNumber": 1, "ETag": headers["ETag"]}]
    s3.complete_multipart_upload(Bucket=bucket, Key="key", UploadId=upload, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"part"


def it_lists(signer, bucket, put):
    put("key")
    url = signer.generate_presigned_url("list_objects_v2", Params={"Bucket": bucket, "Prefix": "k"})
    assert b"<Key>key</Key>" in send(url)[2]


def it_is_good_for_its_method_and_key_only(s3, signer, bucket, put):
    put("a b/é+%", b"bytes")
    url = url_for(signer, "get_object", bucket)
    assert send(url, "DELETE")[0] == 403
    assert send(url.replace("a%20b", "a%20c"))[0] == 403
    assert s3.get_object(Bucket=bucket, Key="a b/é+%")["Body"].read() == b"bytes"


def it_is_refused_to_nobody(signer, bucket, put):
    put("key")
    url = url_for(signer, "get_object", bucket, key="key").partition("?")[0]
    status, _, body = send(url)
    assert status == 403 and b"<Code>AccessDenied</Code>" in body

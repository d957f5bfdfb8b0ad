"""Keys that others change, hide or refuse: each is kept as it is, beside its neighbours."""

import pytest

SINGLE = [
    " ", '"', "$", "%", "&", "'", "<", ">", "_", "_ ", "_ _", "__", ":", "?versionId", "anyfilename%.txt", "%25.txt",
    "..", ".", "./a", "../a", "a/../b", "a/./b", "a//b", "/a", "//", "///", "a/", "a//", "a\\b", "a\tb", "a\nb", "a\x01b",
    "a b", "a+b", "a%20b", "a%2Fb", "#", "a;b", "a=b&c=d", "é", "e\u0301", "漢字/🎉", "\ufffd", "\u202e", "nul\x7f",
    "x" * 255, "x" * 256, "x" * 300 + "/y", "k" * 1024, "é" * 512, "d/" * 511 + "ee", "con", "aux.txt", ".hidden", "~",
]  # fmt: skip


@pytest.mark.parametrize("key", SINGLE, ids=lambda key: repr(key[:20]) + (f" of {len(key)}" if len(key) > 20 else ""))
def it_keeps_a_key_as_it_is(s3, bucket, put, key):
    put(key, b"its bytes")
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"its bytes"
    assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == 9
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    s3.delete_object(Bucket=bucket, Key=key)
    assert "Contents" not in s3.list_objects_v2(Bucket=bucket)
    s3.delete_bucket(Bucket=bucket)


NEIGHBOURS = [
    ["foo", "foo/", "foo/bar", "foo/bar/", "foo/bar/xyzzy", "foo//", "foo+1/bar", "foo-", "foo.", "foo0"],
    ["a", "A", "á", "a\u0301", "Á"],
    ["..", "../..", "../a", ".", "./", "a/..", "a/../"],
    ["/", "//", "///", "/a", "//a", "a//", "a/"],
    ["x" * 255, "x" * 256, "x" * 257, "x" * 256 + "/", "x" * 256 + "/a"],
    ["asdf/", "asdf/b", "quux ab/thud", "quux/thud", "asdf+b"],
]


@pytest.mark.parametrize("keys", NEIGHBOURS, ids=lambda keys: repr(keys[0][:10]))
def it_keeps_neighbours_apart(s3, bucket, put, keys):
    for key in keys:
        put(key)
    for key in keys:
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    ordered = sorted(keys, key=lambda key: key.encode())
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ordered
    for gone in keys:
        s3.delete_object(Bucket=bucket, Key=gone)
        ordered.remove(gone)
        left = s3.list_objects_v2(Bucket=bucket).get("Contents", [])
        assert [each["Key"] for each in left] == ordered


def it_refuses_1025_bytes(put, refusal):
    with refusal(400, "KeyTooLongError"):
        put("k" * 1025, b"x")
    with refusal(400, "KeyTooLongError"):
        put("é" * 513, b"x")


def it_keeps_a_folder_with_bytes(s3, bucket, put):
    put("asdf/", b"bytes of a folder")
    put("asdf/inner", b"x")
    assert s3.get_object(Bucket=bucket, Key="asdf/")["Body"].read() == b"bytes of a folder"
    s3.delete_object(Bucket=bucket, Key="asdf/")
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["asdf/inner"]

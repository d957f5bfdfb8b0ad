"""Version 2: continuation tokens; every listing is compared with one worked out here from the keys."""

import pytest

KEYS = [
    "0/", "0/1000", "1999", "1999#", "1999+", "2000", "a", "a b", "a!", "a+1/bar", "a-b", "a.txt", "a/", "a/b",
    "a/b/", "a/b/c", "a//b", "a/é", "ab", "abc/d", "b//", "b///c", "b%2Fc", "cab", "foo", "foo/bar", "foo/bar/xyzzy",
    "foo/baz", "foo+1/bar", "quux ab/thud", "quux/thud", "z" * 300 + "/y", "é", "漢/字", "🎉",
]  # fmt: skip
DELIMITERS = ["", "/", "a", " ", "%", "+", ".", "//", "/b", "é", "b/"]
PREFIXES = ["", "a", "a/", "a//", "b", "foo", "foo/", "foo/bar/", "no such", "/", "é", "0/"]


def expected(prefix, delimiter):
    """In byte order: keys that begin with the prefix, those with a delimiter behind it rolled up."""
    contents, rolled = [], []
    for key in sorted(KEYS, key=lambda key: key.encode()):
        if not key.startswith(prefix):
            continue
        at = key.find(delimiter, len(prefix)) if delimiter else -1
        if at < 0:
            contents.append(key)
        else:
            rolled.append(key[: at + len(delimiter)])
    return contents, list(dict.fromkeys(rolled))


@pytest.fixture(scope="module")
def many(s3, request):
    name = f"boto3-list-v2-{abs(hash(request.node.nodeid + str(id(request)))):x}"[:40]
    s3.create_bucket(Bucket=name)
    for key in KEYS:
        s3.put_object(Bucket=name, Key=key, Body=b"")
    return name


def listing(s3, bucket, page, **arguments):
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, PaginationConfig={"PageSize": page}, **{name: value for name, value in arguments.items() if value}
    )
    contents, rolled = [], []
    for response in pages:
        assert response["KeyCount"] == len(response.get("Contents", [])) + len(response.get("CommonPrefixes", []))
        assert response["KeyCount"] <= page
        contents += [each["Key"] for each in response.get("Contents", [])]
        rolled += [each["Prefix"] for each in response.get("CommonPrefixes", [])]
    return contents, rolled


@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("page", [1, 3, 1000])
def it_lists_every_prefix_by_every_delimiter_in_byte_order(s3, many, delimiter, page):
    for prefix in PREFIXES if page > 1 else ["", "a", "foo/"]:
        told = listing(s3, many, page, Prefix=prefix, Delimiter=delimiter)
        assert told == expected(prefix, delimiter), f"prefix {prefix!r}, delimiter {delimiter!r}"


@pytest.mark.parametrize("start", ["", "a", "a/", "a/b", "a0", "foo", "foo/bar", "zzz", "漢", "no such"])
def it_starts_after_any_name(s3, many, start):
    contents, _ = listing(s3, many, 5, StartAfter=start)
    every = sorted(KEYS, key=lambda key: key.encode())
    assert contents == [key for key in every if key.encode() > start.encode()]


def it_echoes_what_was_asked(s3, many):
    response = s3.list_objects_v2(Bucket=many, Prefix="a", Delimiter="/", StartAfter="a b", MaxKeys=2)
    assert (response["Prefix"], response["Delimiter"], response["StartAfter"]) == ("a", "/", "a b")
    assert (response["MaxKeys"], response["Name"], response["EncodingType"]) == (2, many, "url")


def it_tells_the_owner_only_when_asked(s3, many):
    assert "Owner" not in s3.list_objects_v2(Bucket=many, MaxKeys=1)["Contents"][0]
    owner = s3.list_objects_v2(Bucket=many, MaxKeys=1, FetchOwner=True)["Contents"][0]["Owner"]
    assert owner["ID"] == s3.list_buckets()["Owner"]["ID"]


def it_goes_on_where_it_was_while_keys_come_and_go(s3, bucket, put):
    for key in ["a", "b", "c", "d", "e"]:
        put(key)
    first = s3.list_objects_v2(Bucket=bucket, MaxKeys=2)
    s3.delete_object(Bucket=bucket, Key="b")
    s3.delete_object(Bucket=bucket, Key="c")
    put("bb")
    rest = s3.list_objects_v2(Bucket=bucket, ContinuationToken=first["NextContinuationToken"])
    assert [each["Key"] for each in rest["Contents"]] == ["bb", "d", "e"]


def it_refuses_a_token_that_is_none(s3, bucket, refusal):
    with refusal(400, "InvalidArgument"):
        s3.list_objects_v2(Bucket=bucket, ContinuationToken="nonsense")


def it_rolls_up_a_thousand_keys_into_one_place_of_a_page(s3, bucket, put):
    for number in range(1100):
        put(f"0/{number:04}", b"")
    for key in ["1999", "1999#", "1999+", "2000"]:
        put(key, b"")
    response = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
    assert [each["Key"] for each in response["Contents"]] == ["1999", "1999#", "1999+", "2000"]
    assert [each["Prefix"] for each in response["CommonPrefixes"]] == ["0/"]
    assert response["IsTruncated"] is False

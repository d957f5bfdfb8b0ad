import base64
import hashlib
import zlib

import pytest

PART = 5 << 20


def upload(s3, bucket, bodies, **more):
    """Uploads parts 1, 2, …; gives the upload's id and the list to complete it with."""
    created = s3.create_multipart_upload(Bucket=bucket, Key="key", **more)
    algorithm = more.get("ChecksumAlgorithm")
    parts = []
    for number, body in enumerate(bodies, 1):
        with_checksum = {"ChecksumAlgorithm": algorithm} if algorithm else {}
        part = s3.upload_part(
            Bucket=bucket, Key="key", UploadId=created["UploadId"], PartNumber=number, Body=body, **with_checksum
        )
        named = {"PartNumber": number, "ETag": part["ETag"]}
        if algorithm:
            named[f"Checksum{algorithm}"] = part[f"Checksum{algorithm}"]
        parts.append(named)
    return created["UploadId"], parts


def complete(s3, bucket, upload_id, parts, **more):
    return s3.complete_multipart_upload(
        Bucket=bucket, Key="key", UploadId=upload_id, MultipartUpload={"Parts": parts}, **more
    )


def it_joins_parts_under_an_etag_of_etags(s3, bucket):
    bodies = [b"a" * PART, b"b" * (PART + 1), b"c"]
    response = complete(s3, bucket, *upload(s3, bucket, bodies))
    digests = b"".join(hashlib.md5(body).digest() for body in bodies)
    assert response["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-3"'
    got = s3.get_object(Bucket=bucket, Key="key")
    assert got["ETag"] == response["ETag"]
    assert got["Body"].read() == b"".join(bodies)


def it_leaves_out_parts_that_are_not_named(s3, bucket):
    upload_id, parts = upload(s3, bucket, [b"a" * PART, b"b" * PART, b"c"])
    complete(s3, bucket, upload_id, [parts[0], parts[2]])
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"a" * PART + b"c"


def it_serves_each_part_by_number(s3, bucket, refusal):
    complete(s3, bucket, *upload(s3, bucket, [b"a" * PART, b"b" * PART, b"c"]))
    second = s3.get_object(Bucket=bucket, Key="key", PartNumber=2)
    assert second["PartsCount"] == 3
    assert second["ContentRange"] == f"bytes {PART}-{2 * PART - 1}/{2 * PART + 1}"
    assert second["Body"].read() == b"b" * PART
    assert s3.head_object(Bucket=bucket, Key="key", PartNumber=3)["ContentLength"] == 1
    with refusal(416, "InvalidPartNumber"):
        s3.get_object(Bucket=bucket, Key="key", PartNumber=4)


def it_reads_ranges_across_parts(s3, bucket):
    complete(s3, bucket, *upload(s3, bucket, [b"a" * PART, b"b" * PART, b"c"]))
    got = s3.get_object(Bucket=bucket, Key="key", Range=f"bytes={PART - 2}-{PART + 1}")
    assert got["Body"].read() == b"aabb"


def it_refuses_a_part_that_is_too_small(s3, bucket, refusal):
    upload_id, parts = upload(s3, bucket, [b"small", b"last"])
    with refusal(400, "EntityTooSmall"):
        complete(s3, bucket, upload_id, parts)


def it_refuses_wrong_lists(s3, bucket, refusal):
    upload_id, parts = upload(s3, bucket, [b"a" * PART, b"b"])
    with refusal(400, "InvalidPartOrder"):
        complete(s3, bucket, upload_id, parts[::-1])
    with refusal(400, "InvalidPart"):
        complete(s3, bucket, upload_id, [{**parts[0], "ETag": '"00000000000000000000000000000000"'}])
    with refusal(400, "InvalidPart"):
        complete(s3, bucket, upload_id, [*parts, {"PartNumber": 9, "ETag": parts[0]["ETag"]}])
    with refusal(400, "MalformedXML"):
        complete(s3, bucket, upload_id, [])
    complete(s3, bucket, upload_id, parts)


def it_gives_the_first_answer_when_repeated(s3, bucket):
    upload_id, parts = upload(s3, bucket, [b"once"])
    first = complete(s3, bucket, upload_id, parts)
    again = complete(s3, bucket, upload_id, parts)
    assert again["ETag"] == first["ETag"]


def it_obeys_conditions(s3, bucket, put, refusal):
    etag = put("key", b"there")["ETag"]
    upload_id, parts = upload(s3, bucket, [b"new"])
    with refusal(412, "PreconditionFailed"):
        complete(s3, bucket, upload_id, parts, IfNoneMatch="*")
    with refusal(412, "PreconditionFailed"):
        complete(s3, bucket, upload_id, parts, IfMatch='"other"')
    complete(s3, bucket, upload_id, parts, IfMatch=etag)
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"new"


def it_checks_the_size_it_is_told(s3, bucket, refusal):
    upload_id, parts = upload(s3, bucket, [b"12345"])
    with refusal(400, "InvalidRequest"):
        complete(s3, bucket, upload_id, parts, MpuObjectSize=6)
    complete(s3, bucket, upload_id, parts, MpuObjectSize=5)


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "SHA1", "SHA256", "SHA512"])
def it_makes_a_composite_checksum(s3, bucket, algorithm):
    bodies = [b"a" * PART, b"b"]
    upload_id, parts = upload(s3, bucket, bodies, ChecksumAlgorithm=algorithm)
    response = complete(s3, bucket, upload_id, parts)
    values = b"".join(base64.b64decode(part[f"Checksum{algorithm}"]) for part in parts)
    assert response[f"Checksum{algorithm}"] == f"{summed(algorithm, values)}-2"
    assert response["ChecksumType"] == "COMPOSITE"
    head = s3.head_object(Bucket=bucket, Key="key", ChecksumMode="ENABLED")
    assert head[f"Checksum{algorithm}"] == response[f"Checksum{algorithm}"]
    assert s3.get_object(Bucket=bucket, Key="key")["Body"].read() == b"".join(bodies)


@pytest.mark.parametrize("algorithm", ["CRC32", "CRC32C", "CRC64NVME"])
def it_makes_a_full_object_checksum(s3, bucket, put, algorithm):
    bodies = [b"a" * PART, b"b" * PART, b"c" * 12_345]
    upload_id, parts = upload(s3, bucket, bodies, ChecksumAlgorithm=algorithm, ChecksumType="FULL_OBJECT")
    response = complete(s3, bucket, upload_id, parts, ChecksumType="FULL_OBJECT")
    whole = put("whole", b"".join(bodies), ChecksumAlgorithm=algorithm)
    assert response[f"Checksum{algorithm}"] == whole[f"Checksum{algorithm}"]
    got = s3.get_object(Bucket=bucket, Key="key", ChecksumMode="ENABLED")
    assert got[f"Checksum{algorithm}"] == whole[f"Checksum{algorithm}"]
    assert got["Body"].read() == b"".join(bodies)


def it_refuses_a_wrong_full_object_checksum(s3, bucket, refusal):
    upload_id, parts = upload(s3, bucket, [b"x"], ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    with refusal(400, "BadDigest"):
        complete(s3, bucket, upload_id, parts, ChecksumCRC32="AAAAAA==", ChecksumType="FULL_OBJECT")
    complete(s3, bucket, upload_id, parts, ChecksumCRC32=summed("CRC32", b"x"), ChecksumType="FULL_OBJECT")


def it_refuses_an_upload_that_was_aborted(s3, bucket, refusal):
    upload_id, parts = upload(s3, bucket, [b"x"])
    s3.abort_multipart_upload(Bucket=bucket, Key="key", UploadId=upload_id)
    with refusal(404, "NoSuchUpload"):
        complete(s3, bucket, upload_id, parts)


def summed(algorithm, data):
    if algorithm == "CRC32":
        return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()
    if algorithm == "CRC32C":
        from awscrt import checksums

        return base64.b64encode(checksums.crc32c(data).to_bytes(4, "big")).decode()
    return base64.b64encode(hashlib.new(algorithm.lower(), data).digest()).decode()

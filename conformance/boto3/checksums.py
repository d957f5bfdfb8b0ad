"""Every algorithm: as the client computes it, as a value given, wrong, and on the way back."""

import base64
import hashlib
import zlib

import pytest
from awscrt import checksums

BODY = b"The quick brown fox jumps over the lazy dog. " * 3000


def crc(value, size):
    return base64.b64encode(value.to_bytes(size, "big")).decode()


def digest(name):
    return base64.b64encode(hashlib.new(name, BODY).digest()).decode()


VALUES = {
    "CRC32": crc(zlib.crc32(BODY), 4),
    "CRC32C": crc(checksums.crc32c(BODY), 4),
    "CRC64NVME": crc(checksums.crc64nvme(BODY), 8),
    "SHA1": digest("sha1"),
    "SHA256": digest("sha256"),
    "SHA512": digest("sha512"),
}
EVERY = pytest.mark.parametrize("algorithm", VALUES)


def head(s3, bucket):
    return s3.head_object(Bucket=bucket, Key="key", ChecksumMode="ENABLED")


@EVERY
def it_keeps_what_the_client_computed(s3, bucket, put, algorithm):
    response = put("key", BODY, ChecksumAlgorithm=algorithm)
    assert response[f"Checksum{algorithm}"] == VALUES[algorithm]
    assert head(s3, bucket)[f"Checksum{algorithm}"] == VALUES[algorithm]
    assert head(s3, bucket)["ChecksumType"] == "FULL_OBJECT"


@EVERY
def it_keeps_a_value_given(s3, bucket, put, algorithm):
    put("key", BODY, **{f"Checksum{algorithm}": VALUES[algorithm]})
    response = s3.get_object(Bucket=bucket, Key="key", ChecksumMode="ENABLED")
    assert response[f"Checksum{algorithm}"] == VALUES[algorithm]
    assert response["Body"].read() == BODY


@EVERY
def it_refuses_a_wrong_value(s3, bucket, put, refusal, algorithm):
    with refusal(400, "BadDigest"):
        put("key", BODY + b"!", **{f"Checksum{algorithm}": VALUES[algorithm]})
    with refusal(404, "404"):
        head(s3, bucket)


def it_keeps_an_md5_given(s3, bucket, put):
    put("key", BODY, ChecksumMD5=digest("md5"))
    assert head(s3, bucket)["ChecksumMD5"] == digest("md5")


@pytest.mark.parametrize("algorithm", ["XXHASH64", "XXHASH3", "XXHASH128"])
def it_refuses_clearly_what_it_cannot_compute(put, refusal, algorithm):
    with refusal(501, "NotImplemented"):
        put("key", BODY, ChecksumAlgorithm=algorithm)


def it_is_told_only_when_asked(s3, bucket, put):
    put("key", BODY, ChecksumAlgorithm="SHA256")
    assert "ChecksumSHA256" not in s3.head_object(Bucket=bucket, Key="key")


def it_is_not_told_for_a_range(s3, bucket, put):
    put("key", BODY, ChecksumAlgorithm="CRC32")
    response = s3.get_object(Bucket=bucket, Key="key", Range="bytes=0-9", ChecksumMode="ENABLED")
    assert "ChecksumCRC32" not in response
    assert response["Body"].read() == BODY[:10]


def it_is_crc64nvme_when_the_client_sent_none(s3, signer, bucket):
    url = signer.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "key"})
    send(url, BODY)
    assert head(s3, bucket)["ChecksumCRC64NVME"] == VALUES["CRC64NVME"]


def it_is_listed_by_algorithm(s3, bucket, put):
    put("key", BODY, ChecksumAlgorithm="SHA1")
    listed = s3.list_objects_v2(Bucket=bucket)["Contents"][0]
    assert listed["ChecksumAlgorithm"] == ["SHA1"]
    assert listed["ChecksumType"] == "FULL_OBJECT"


def send(url, body):
    import os
    import ssl
    import urllib.request

    certificate = os.environ.get("FACET_CERTIFICATE")
    context = ssl.create_default_context(cafile=certificate) if certificate else None
    request = urllib.request.Request(url, data=body, method="PUT", headers={"Content-Type": ""})
    urllib.request.urlopen(request, context=context).read()

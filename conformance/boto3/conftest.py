"""Clients in their default settings, a bucket of its own for each test, and one JSON line an outcome."""

import itertools
import json
import os
import socket
import uuid

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

MAIN = {"aws_access_key_id": os.environ["MAIN_ACCESS_KEY"], "aws_secret_access_key": os.environ["MAIN_SECRET_KEY"]}
ALT = {"aws_access_key_id": os.environ["ALT_ACCESS_KEY"], "aws_secret_access_key": os.environ["ALT_SECRET_KEY"]}

# Few resolvers know that names under localhost are this machine: the Host header stays what the client made it.
_getaddrinfo = socket.getaddrinfo
socket.getaddrinfo = lambda host, *rest, **options: _getaddrinfo(
    "127.0.0.1" if isinstance(host, str) and host.endswith("localhost") else host, *rest, **options
)


def make_client(credentials=None, **config):
    return boto3.client(
        "s3",
        endpoint_url=os.environ["FACET_URL"],
        region_name="us-east-1",
        verify=os.environ.get("FACET_CERTIFICATE") or None,
        config=Config(s3={"addressing_style": os.environ["ADDRESSING_STYLE"]}, **config),
        **(credentials or MAIN),
    )


@pytest.fixture(scope="session")
def s3():
    return make_client()


@pytest.fixture(scope="session")
def alt():
    """Another account."""
    return make_client(ALT)


@pytest.fixture(scope="session")
def signer():
    """For presigned URLs: in old regions boto3 still makes them by Signature Version 2 unless told."""
    return make_client(signature_version="s3v4")


_RUN = uuid.uuid4().hex[:8]
_NUMBERS = itertools.count(1)


@pytest.fixture
def bucket_name():
    return f"boto3-{_RUN}-{next(_NUMBERS)}"


@pytest.fixture
def bucket(s3, bucket_name):
    s3.create_bucket(Bucket=bucket_name)
    return bucket_name


@pytest.fixture
def put(s3, bucket):
    """Puts an object, by default its key as its bytes."""

    def put_object(key, body=None, **more):
        return s3.put_object(Bucket=bucket, Key=key, Body=key.encode() if body is None else body, **more)

    return put_object


@pytest.fixture
def refusal():
    """`with refusal(404, "NoSuchKey"): …`: that the client was told just that."""
    return Refusal


class Refusal:
    def __init__(self, status, code):
        self.expected = (status, code)
        self.response = None

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        assert isinstance(error, ClientError), f"was not refused with {self.expected}: {error!r}"
        self.response = error.response
        told = (error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"])
        assert told == self.expected, error.response["Error"]
        return True


def pytest_runtest_logreport(report):
    if report.when != "call" and report.outcome == "passed":
        return
    file, _, test = report.nodeid.partition("::")
    line = {
        "check": f"{os.path.basename(file).removesuffix('.py')}: {test.removeprefix('it_').replace('_', ' ')}",
        "outcome": report.outcome,
        "reason": _reason(report),
        "seconds": report.duration,
    }
    with open(os.environ["OUTCOMES"], "a", encoding="utf-8") as outcomes:
        outcomes.write(json.dumps(line) + "\n")


def _reason(report):
    if report.outcome == "skipped":
        return report.longrepr[2]
    if report.outcome == "failed":
        crash = getattr(report.longrepr, "reprcrash", None)
        return f"{crash.path}:{crash.lineno} {crash.message}" if crash else str(report.longrepr)
    return ""

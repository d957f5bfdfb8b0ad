import pytest


def it_makes_a_bucket_that_is_then_listed(s3, bucket_name):
    response = s3.create_bucket(Bucket=bucket_name)
    assert response["Location"] == f"/{bucket_name}"
    assert bucket_name in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]


def it_takes_a_location(s3, bucket_name):
    s3.create_bucket(Bucket=bucket_name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.head_bucket(Bucket=bucket_name)


def it_succeeds_again_for_its_owner(s3, bucket, put):
    put("a")
    s3.create_bucket(Bucket=bucket)
    assert s3.head_object(Bucket=bucket, Key="a")["ContentLength"] == 1


def it_refuses_a_name_that_another_account_has(alt, bucket, refusal):
    with refusal(409, "BucketAlreadyExists"):
        alt.create_bucket(Bucket=bucket)


@pytest.mark.parametrize("name", ["Capital", "under_score", "10.1.2.3", "a..b", "-dash", "dash-", "xn--a"])
def it_refuses_names_that_break_the_rules(s3, name, refusal):
    s3.meta.events.unregister("before-parameter-build.s3", _validate)
    with refusal(400, "InvalidBucketName"):
        s3.create_bucket(Bucket=name)


def _validate(**_):
    pass

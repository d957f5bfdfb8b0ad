"""What S3 has and Facet lacks is refused, never taken for something else."""

import pytest

REFUSED = {
    "put_bucket_versioning": {"VersioningConfiguration": {"Status": "Enabled"}},
    "put_bucket_policy": {"Policy": "{}"},
    "put_bucket_cors": {"CORSConfiguration": {"CORSRules": [{"AllowedMethods": ["GET"], "AllowedOrigins": ["*"]}]}},
    "put_bucket_website": {"WebsiteConfiguration": {"IndexDocument": {"Suffix": "index.html"}}},
    "put_bucket_lifecycle_configuration": {
        "LifecycleConfiguration": {
            "Rules": [{"ID": "a", "Filter": {"Prefix": ""}, "Status": "Enabled", "Expiration": {"Days": 1}}]
        }
    },
    "put_bucket_encryption": {
        "ServerSideEncryptionConfiguration": {
            "Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]
        }
    },
    "put_object_lock_configuration": {"ObjectLockConfiguration": {"ObjectLockEnabled": "Enabled"}},
    "put_bucket_notification_configuration": {"NotificationConfiguration": {}},
    "put_bucket_logging": {"BucketLoggingStatus": {}},
}


@pytest.mark.parametrize("operation", REFUSED)
def it_refuses_a_configuration_that_would_have_no_effect(s3, bucket, refusal, operation):
    with refusal(501, "NotImplemented"):
        getattr(s3, operation)(Bucket=bucket, **REFUSED[operation])


@pytest.mark.parametrize(
    "operation,code",
    [
        ("get_bucket_policy", "NoSuchBucketPolicy"),
        ("get_bucket_cors", "NoSuchCORSConfiguration"),
        ("get_bucket_lifecycle_configuration", "NoSuchLifecycleConfiguration"),
        ("get_bucket_website", "NoSuchWebsiteConfiguration"),
        ("get_bucket_replication", "ReplicationConfigurationNotFoundError"),
        ("get_object_lock_configuration", "ObjectLockConfigurationNotFoundError"),
    ],
)
def it_says_that_a_configuration_is_not_there(s3, bucket, refusal, operation, code):
    with refusal(404, code):
        getattr(s3, operation)(Bucket=bucket)


def it_tells_the_owner_as_the_only_grantee(s3, bucket, put):
    put("key")
    for acl in [s3.get_bucket_acl(Bucket=bucket), s3.get_object_acl(Bucket=bucket, Key="key")]:
        assert [grant["Permission"] for grant in acl["Grants"]] == ["FULL_CONTROL"]
        assert acl["Grants"][0]["Grantee"]["ID"] == acl["Owner"]["ID"]

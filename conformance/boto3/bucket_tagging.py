"""GetBucketTagging, PutBucketTagging, DeleteBucketTagging."""


def it_has_none_at_first(s3, bucket, refusal):
    with refusal(404, "NoSuchTagSet"):
        s3.get_bucket_tagging(Bucket=bucket)


def it_sets_and_deletes(s3, bucket, refusal):
    tags = [{"Key": "a", "Value": "1"}, {"Key": "b", "Value": ""}]
    s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    s3.delete_bucket_tagging(Bucket=bucket)
    with refusal(404, "NoSuchTagSet"):
        s3.get_bucket_tagging(Bucket=bucket)


def it_refuses_another_account(alt, bucket, refusal):
    with refusal(403, "AccessDenied"):
        alt.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": []})

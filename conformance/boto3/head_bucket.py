def it_finds_an_own_bucket(s3, bucket):
    response = s3.head_bucket(Bucket=bucket)
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 200
    assert response["BucketRegion"]


def it_says_404_of_a_missing_bucket(s3, bucket_name, refusal):
    with refusal(404, "404"):
        s3.head_bucket(Bucket=bucket_name)


def it_says_403_of_somebody_elses(alt, bucket, refusal):
    with refusal(403, "403"):
        alt.head_bucket(Bucket=bucket)

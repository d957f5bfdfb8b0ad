def it_answers_for_an_own_bucket(s3, bucket):
    assert "LocationConstraint" in s3.get_bucket_location(Bucket=bucket)


def it_refuses_a_bucket_that_is_missing(s3, bucket_name, refusal):
    with refusal(404, "NoSuchBucket"):
        s3.get_bucket_location(Bucket=bucket_name)

def it_deletes_an_empty_bucket(s3, bucket, refusal):
    s3.delete_bucket(Bucket=bucket)
    with refusal(404, "404"):
        s3.head_bucket(Bucket=bucket)


def it_refuses_a_bucket_with_objects(s3, bucket, put, refusal):
    put("a/b/c")
    with refusal(409, "BucketNotEmpty"):
        s3.delete_bucket(Bucket=bucket)


def it_deletes_a_bucket_once_emptied_of_deep_keys(s3, bucket, put):
    put("a/b/c")
    s3.delete_object(Bucket=bucket, Key="a/b/c")
    s3.delete_bucket(Bucket=bucket)


def it_refuses_a_bucket_that_is_missing(s3, bucket_name, refusal):
    with refusal(404, "NoSuchBucket"):
        s3.delete_bucket(Bucket=bucket_name)


def it_makes_the_name_free_for_others(s3, alt, bucket):
    s3.delete_bucket(Bucket=bucket)
    alt.create_bucket(Bucket=bucket)
    alt.delete_bucket(Bucket=bucket)

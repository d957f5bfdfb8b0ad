def it_lists_own_buckets_only(s3, alt, bucket):
    assert bucket in [each["Name"] for each in s3.list_buckets()["Buckets"]]
    assert bucket not in [each["Name"] for each in alt.list_buckets()["Buckets"]]


def it_tells_owner_and_date(s3, bucket):
    response = s3.list_buckets()
    assert response["Owner"]["ID"]
    assert all(each["CreationDate"].year >= 2024 for each in response["Buckets"])


def it_lists_by_prefix(s3, bucket):
    response = s3.list_buckets(Prefix=bucket)
    assert [each["Name"] for each in response["Buckets"]] == [bucket]


def it_pages(s3, bucket_name):
    names = [f"{bucket_name}-{letter}" for letter in "abcde"]
    for name in names:
        s3.create_bucket(Bucket=name)
    pages = s3.get_paginator("list_buckets").paginate(Prefix=f"{bucket_name}-", PaginationConfig={"PageSize": 2})
    assert [each["Name"] for page in pages for each in page["Buckets"]] == names

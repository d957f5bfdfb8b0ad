"""boto3's own transfer manager: multipart up, parallel ranges down, managed copy."""

import hashlib
import os

from boto3.s3.transfer import TransferConfig


def it_uploads_and_downloads_a_file_in_parts(s3, bucket, tmp_path):
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(os.urandom(40 << 20))
    config = TransferConfig(multipart_threshold=8 << 20, multipart_chunksize=8 << 20, max_concurrency=4)
    s3.upload_file(str(source), bucket, "key", Config=config, ExtraArgs={"Metadata": {"a": "b"}})
    head = s3.head_object(Bucket=bucket, Key="key")
    assert head["ETag"].endswith('-5"') and head["Metadata"] == {"a": "b"}
    s3.download_file(bucket, "key", str(target), Config=config)
    assert hashlib.sha256(target.read_bytes()).digest() == hashlib.sha256(source.read_bytes()).digest()


def it_copies_in_parts(s3, bucket, put):
    body = os.urandom(20 << 20)
    put("from", body)
    config = TransferConfig(multipart_threshold=8 << 20, multipart_chunksize=8 << 20)
    s3.copy({"Bucket": bucket, "Key": "from"}, bucket, "to", Config=config)
    assert s3.get_object(Bucket=bucket, Key="to")["Body"].read() == body

/** What a bucket may be called. @source S3 User Guide, "General purpose bucket naming rules" */
import { S3Error } from '../errors.ts';

const LABELS = /^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$/;
const IP_ADDRESS = /^\d+\.\d+\.\d+\.\d+$/;
const RESERVED_PREFIXES = ['xn--', 'sthree-', 'amzn-s3-demo-'];
const RESERVED_SUFFIXES = ['-s3alias', '--ol-s3', '.mrap', '--x-s3', '--table-s3'];

export function isBucketName(name: string): boolean {
  return (
    name.length >= 3 &&
    name.length <= 63 &&
    LABELS.test(name) &&
    !IP_ADDRESS.test(name) &&
    !RESERVED_PREFIXES.some((prefix) => name.startsWith(prefix)) &&
    !RESERVED_SUFFIXES.some((suffix) => name.endsWith(suffix))
  );
}

/** @throws S3Error InvalidBucketName */
export function checkBucketName(name: string): void {
  if (!isBucketName(name))
    throw new S3Error('InvalidBucketName', undefined, { fields: { BucketName: name } });
}

/** What policies of other services call a bucket. */
export function bucketArn(name: string): string {
  return `arn:aws:s3:::${name}`;
}

import { bucketArn } from '../buckets/name.ts';
import { emptyReply } from '../http/reply.ts';
import { operation } from '../operation.ts';

/** @source S3 API Reference, HeadBucket */
export const headBucket = operation({
  level: 'bucket',
  name: 'HeadBucket',
  input: () => undefined,
  run: async ({ region, bucket }) =>
    emptyReply({
      'x-amz-bucket-arn': bucketArn(bucket.name),
      'x-amz-bucket-region': region,
      'x-amz-access-point-alias': 'false',
    }),
});

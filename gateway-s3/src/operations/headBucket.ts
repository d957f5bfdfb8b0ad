import { emptyReply } from '../http/reply.ts';
import { operation } from '../operation.ts';

/** @source S3 API Reference, HeadBucket */
export const headBucket = operation({
  level: 'bucket',
  name: 'HeadBucket',
  input: () => undefined,
  run: async ({ region }) =>
    emptyReply({ 'x-amz-bucket-region': region, 'x-amz-access-point-alias': 'false' }),
});

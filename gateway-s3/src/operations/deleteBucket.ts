import { noContent } from '../http/reply.ts';
import { operation } from '../operation.ts';

/** @source S3 API Reference, DeleteBucket */
export const deleteBucket = operation({
  level: 'bucket',
  name: 'DeleteBucket',
  input: () => undefined,
  run: async ({ core, bucket }) => {
    await core.volumes.delete(bucket.id);
    return noContent();
  },
});

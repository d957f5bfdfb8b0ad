import { noContent } from '../http/reply.ts';
import { type DeletePrecondition, readDeletePrecondition } from '../objects/deletePrecondition.ts';
import { requireNullVersion } from '../objects/versionId.ts';
import { operation } from '../operation.ts';
import type { S3Request } from '../request.ts';

/** @source S3 API Reference, DeleteObject */
export const deleteObject = operation({
  level: 'object',
  name: 'DeleteObject',
  input: (request: S3Request): DeletePrecondition => {
    requireNullVersion(request);
    return readDeletePrecondition({
      etag: request.headers.get('if-match'),
      lastModified: request.headers.get('x-amz-if-match-last-modified-time'),
      size: request.headers.get('x-amz-if-match-size'),
    });
  },
  run: async ({ core, bucket, key }, condition) => {
    await core.objects.delete({ volume: bucket.id, key, ...condition });
    return noContent();
  },
});

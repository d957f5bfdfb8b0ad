import { S3Error } from '../errors.ts';
import { noContent } from '../http/reply.ts';
import { readUploadId, uploadRef } from '../multipart/uploadRef.ts';
import { parseHttpDate, secondsOf } from '../objects/dates.ts';
import { operation } from '../operation.ts';
import type { S3Request } from '../request.ts';

/** @source S3 API Reference, AbortMultipartUpload */
export const abortMultipartUpload = operation({
  level: 'object',
  name: 'AbortMultipartUpload',
  input: (request: S3Request) => ({
    upload: readUploadId(request),
    initiated: request.headers.get('x-amz-if-match-initiated-time'),
  }),
  run: async (call, { upload, initiated }) => {
    const { objects } = call.core;
    const ref = uploadRef(call, upload);
    // When an upload began never changes: the look needs no transaction.
    if (initiated !== undefined) {
      const info = await objects.getUpload(ref);
      if (parseHttpDate(initiated) !== secondsOf(info.initiated)) throw new S3Error('PreconditionFailed');
    }
    await objects.abortUpload(ref);
    return noContent();
  },
});

import { noContent } from '../http/reply.ts';
import { readUploadId, uploadRef } from '../multipart/uploadRef.ts';
import { operation } from '../operation.ts';

/** @source S3 API Reference, AbortMultipartUpload */
export const abortMultipartUpload = operation({
  level: 'object',
  name: 'AbortMultipartUpload',
  input: readUploadId,
  run: async (call, upload) => {
    await call.core.objects.abortUpload(uploadRef(call, upload));
    return noContent();
  },
});

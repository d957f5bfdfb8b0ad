import { FsError, type UploadRef } from '@facet/core';
import { readWholeBody } from '../body/intake.ts';
import { parseObjectChecksum, readChecksumHeader } from '../checksums/value.ts';
import { xmlReply } from '../http/reply.ts';
import { combineParts } from '../multipart/combine.ts';
import type { UploadChecksum } from '../multipart/partChecksum.ts';
import { partsToJoin, readPartList } from '../multipart/partList.ts';
import { readUploadId, uploadRef } from '../multipart/uploadRef.ts';
import { quoted, readWritePrecondition } from '../objects/etags.ts';
import { checksumElements } from '../objects/objectChecksum.ts';
import { type ObjectCall, operation } from '../operation.ts';
import type { S3Request } from '../request.ts';
import { leaf, xmlDocument } from '../xml/write.ts';

/** 10,000 parts with a SHA-512 each. */
const BODY_BYTES_MAX = 4 << 20;

/** @source S3 API Reference, CompleteMultipartUpload */
export const completeMultipartUpload = operation({
  level: 'object',
  name: 'CompleteMultipartUpload',
  input: (request: S3Request) => {
    const { headers, payload } = request;
    const given = readChecksumHeader(headers);
    return {
      upload: readUploadId(request),
      condition: readWritePrecondition(headers),
      body: { headers, payload, lengthBytesMax: BODY_BYTES_MAX, checksumHeaders: 'of-object' as const },
      expected: given && parseObjectChecksum(given.algorithm, given.text),
      type: headers.get('x-amz-checksum-type'),
      size: headers.get('x-amz-mp-object-size'),
    };
  },
  run: async (call, { upload, condition, body, expected, type, size }) => {
    const { bucket, key, bucketUrl } = call;
    const named = readPartList(await readWholeBody(body, call.body));
    const ref = uploadRef(call, upload);
    const info = await openUpload(call, ref);
    const completed = await call.core.objects.completeUpload({
      ...ref,
      parts: partsToJoin(named, info),
      combine: (parts) => combineParts(parts, { upload: info, expected, type, size }),
      ...condition,
    });
    return xmlReply(
      xmlDocument(
        'CompleteMultipartUploadResult',
        leaf('Location', `${bucketUrl}/${key.toString('utf8').split('/').map(encodeURIComponent).join('/')}`),
        leaf('Bucket', bucket.name),
        leaf('Key', key.toString('utf8')),
        leaf('ETag', quoted(completed.etag)),
        checksumElements(completed.checksum, completed),
      ),
    );
  },
});

/**
 * What the upload says of checksums. One that is gone says nothing: it may have been completed before, and then the
 * core gives the first answer again.
 */
async function openUpload({ core }: ObjectCall, ref: UploadRef): Promise<UploadChecksum> {
  try {
    return await core.objects.getUpload(ref);
  } catch (error) {
    if (error instanceof FsError && error.code === 'NoSuchUpload') return {};
    throw error;
  }
}

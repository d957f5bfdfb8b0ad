import { openIntake } from '../body/intake.ts';
import { emptyReply } from '../http/reply.ts';
import { readAttributes } from '../objects/attributes.ts';
import { quoted, readWritePrecondition } from '../objects/etags.ts';
import { checksumHeaders } from '../objects/objectChecksum.ts';
import { stageBody } from '../objects/stageBody.ts';
import { readTaggingHeader } from '../objects/tags.ts';
import { operation } from '../operation.ts';
import { invalidArgument } from '../request.ts';

/** 5 GiB: more takes a multipart upload. */
export const PUT_BYTES_MAX = 5 * 1024 ** 3;

/** @source S3 API Reference, PutObject */
export const putObject = operation({
  level: 'object',
  name: 'PutObject',
  input: ({ headers, payload, query }) => {
    const part = query.get('partNumber');
    if (part !== undefined) {
      throw invalidArgument('partNumber', part, 'This operation does not accept partNumber without uploadId');
    }
    return {
      attributes: readAttributes(headers),
      tags: readTaggingHeader(headers),
      condition: readWritePrecondition(headers),
      intake: openIntake({
        headers,
        payload,
        lengthBytesMax: PUT_BYTES_MAX,
        md5: true,
        defaultChecksum: 'CRC64NVME',
      }),
    };
  },
  run: async (call, { attributes, tags, condition, intake }) => {
    const { staged, md5, checksum } = await stageBody(call, intake);
    const stored = await call.core.objects.put({
      volume: call.bucket.id,
      key: call.key,
      body: staged,
      etag: { digest: md5, parts: 0 },
      ...attributes,
      checksum,
      ...(tags !== undefined && { tags }),
      ...condition,
    });
    return emptyReply({ etag: quoted(stored.etag), ...checksumHeaders(checksum, stored) });
  },
});

import { readBodyHeaders } from '../body/bodyHeaders.ts';
import { openIntake } from '../body/intake.ts';
import { checksumHeaderName } from '../checksums/algorithms.ts';
import { digestOf } from '../checksums/bodyDigests.ts';
import { formatChecksum } from '../checksums/value.ts';
import { emptyReply } from '../http/reply.ts';
import { partAlgorithm, requirePartChecksum } from '../multipart/partChecksum.ts';
import { readPartNumber, readUploadId, uploadRef } from '../multipart/uploadRef.ts';
import { quoted } from '../objects/etags.ts';
import { stageBody } from '../objects/stageBody.ts';
import { operation } from '../operation.ts';
import type { S3Request } from '../request.ts';
import { PUT_BYTES_MAX } from './putObject.ts';

/** @source S3 API Reference, UploadPart */
export const uploadPart = operation({
  level: 'object',
  name: 'UploadPart',
  input: (request: S3Request) => {
    const { headers, payload } = request;
    return {
      partNumber: readPartNumber(request),
      upload: readUploadId(request),
      promised: readBodyHeaders({ headers, payload, checksumHeaders: 'of-body' }).checksum?.algorithm,
      body: { headers, payload, lengthBytesMax: PUT_BYTES_MAX, md5: true },
    };
  },
  run: async (call, { upload, partNumber, promised, body }) => {
    const ref = uploadRef(call, upload);
    const info = await call.core.objects.getUpload(ref);
    requirePartChecksum(info, promised);
    const algorithm = partAlgorithm(info);
    const intake = openIntake({ ...body, defaultChecksum: algorithm });
    // The client proves its bytes by one checksum, and the object will keep another.
    const { staged, md5, checksum, digests } = await stageBody(call, intake, algorithm);
    await call.core.objects.putPart({
      ...ref,
      partNumber,
      body: staged,
      md5,
      checksum: digestOf(digests, algorithm),
    });
    return emptyReply({
      etag: quoted(md5.toString('hex')),
      [checksumHeaderName(checksum.algorithm)]: formatChecksum(checksum),
    });
  },
});

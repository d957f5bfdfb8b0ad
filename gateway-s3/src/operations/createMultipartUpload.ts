import type { HeaderMap } from '../auth/request.ts';
import { parseChecksumAlgorithm, resolveChecksumType } from '../checksums/algorithms.ts';
import { S3Error } from '../errors.ts';
import { xmlReply } from '../http/reply.ts';
import { readAttributes } from '../objects/attributes.ts';
import { readTaggingHeader } from '../objects/tags.ts';
import { operation } from '../operation.ts';
import { leaf, xmlDocument } from '../xml/write.ts';

/** @source S3 API Reference, CreateMultipartUpload */
export const createMultipartUpload = operation({
  level: 'object',
  name: 'CreateMultipartUpload',
  input: ({ headers }) => ({
    attributes: readAttributes(headers),
    tags: readTaggingHeader(headers),
    checksum: readChecksumChoice(headers),
  }),
  run: async ({ core, bucket, key, caller }, { attributes, tags, checksum }) => {
    const { upload } = await core.objects.createUpload({
      volume: bucket.id,
      key,
      initiator: caller.canonicalId,
      ...attributes,
      ...(tags !== undefined && { tags }),
      ...(checksum !== undefined && { checksum }),
    });
    return xmlReply(
      xmlDocument(
        'InitiateMultipartUploadResult',
        leaf('Bucket', bucket.name),
        leaf('Key', key.toString('utf8')),
        leaf('UploadId', upload),
      ),
      checksum && {
        'x-amz-checksum-algorithm': checksum.algorithm,
        'x-amz-checksum-type': checksum.type,
      },
    );
  },
});

/** @throws S3Error InvalidRequest | NotImplemented */
function readChecksumChoice(headers: HeaderMap) {
  const name = headers.get('x-amz-checksum-algorithm');
  const type = headers.get('x-amz-checksum-type');
  if (name !== undefined) {
    const algorithm = parseChecksumAlgorithm(name);
    return { algorithm, type: resolveChecksumType(algorithm, type) };
  }
  if (type === undefined) return undefined;
  throw new S3Error(
    'InvalidRequest',
    'The x-amz-checksum-type header can only be used with the x-amz-checksum-algorithm header.',
  );
}

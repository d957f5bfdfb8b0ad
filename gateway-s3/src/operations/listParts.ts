import type { StoredPart } from '@facet/core';
import { checksumElementName } from '../checksums/algorithms.ts';
import { formatChecksum } from '../checksums/value.ts';
import { xmlReply } from '../http/reply.ts';
import { readPageLimit } from '../listing/objects.ts';
import type { UploadChecksum } from '../multipart/partChecksum.ts';
import { readUploadId, uploadRef } from '../multipart/uploadRef.ts';
import { isoDate } from '../objects/dates.ts';
import { quoted } from '../objects/etags.ts';
import { operation } from '../operation.ts';
import { queryInteger, type S3Request } from '../request.ts';
import { ownerElement } from '../xml/owner.ts';
import { element, leaf, type Xml, xmlDocument } from '../xml/write.ts';

/** @source S3 API Reference, ListParts */
export const listParts = operation({
  level: 'object',
  name: 'ListParts',
  input: (request: S3Request) => ({
    upload: readUploadId(request),
    marker: queryInteger(request, 'part-number-marker', { min: 0, max: 2 ** 31 - 1, fallback: 0 }),
    limit: readPageLimit(request, 'max-parts'),
  }),
  run: async (call, { upload, marker, limit }) => {
    const { core, bucket, key, caller } = call;
    const ref = uploadRef(call, upload);
    const page = await core.objects.listParts({ ...ref, afterPartNumber: marker, limit });
    const { storageClass, checksum } = page.upload;
    return xmlReply(
      xmlDocument(
        'ListPartsResult',
        leaf('Bucket', bucket.name),
        leaf('Key', key.toString('utf8')),
        leaf('UploadId', upload),
        ownerElement('Initiator', caller),
        ownerElement('Owner', caller),
        leaf('StorageClass', storageClass),
        leaf('PartNumberMarker', marker),
        // S3 gives it on the last page too, and 0 on an empty one: paginators of some SDKs then begin again, for ever.
        leaf('NextPartNumberMarker', page.truncated ? page.parts.at(-1)?.partNumber : undefined),
        leaf('MaxParts', limit),
        leaf('IsTruncated', page.truncated),
        ...page.parts.map((part) => partElement(part, page.upload)),
        leaf('ChecksumAlgorithm', checksum?.algorithm),
        leaf('ChecksumType', checksum?.type),
      ),
    );
  },
});

function partElement(
  { partNumber, lastModified, md5, sizeBytes, checksum }: StoredPart,
  upload: UploadChecksum,
): Xml {
  return element(
    'Part',
    leaf('PartNumber', partNumber),
    leaf('LastModified', isoDate(lastModified)),
    leaf('ETag', quoted(Buffer.from(md5).toString('hex'))),
    leaf('Size', sizeBytes),
    upload.checksum === undefined || checksum === undefined
      ? ''
      : leaf(
          checksumElementName(upload.checksum.algorithm),
          formatChecksum({ type: 'FULL_OBJECT', value: checksum }),
        ),
  );
}

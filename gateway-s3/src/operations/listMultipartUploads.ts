import { type Account, parseUploadId, type UploadId, type UploadInfo } from '@facet/core';
import { xmlReply } from '../http/reply.ts';
import type { NameEncoding } from '../listing/encoding.ts';
import { readListing } from '../listing/objects.ts';
import { isoDate } from '../objects/dates.ts';
import { operation } from '../operation.ts';
import { invalidArgument, queryBytes, type S3Request } from '../request.ts';
import { ownerElement } from '../xml/owner.ts';
import { element, leaf, type Xml, xmlDocument } from '../xml/write.ts';

/** @source S3 API Reference, ListMultipartUploads */
export const listMultipartUploads = operation({
  level: 'bucket',
  name: 'ListMultipartUploads',
  input: (request) => ({
    ...readListing(request, 'max-uploads'),
    keyMarker: queryBytes(request, 'key-marker'),
    uploadMarker: readUploadMarker(request),
  }),
  run: async ({ core, bucket, caller }, input) => {
    const { prefix, delimiter, encoding, limit, keyMarker, uploadMarker } = input;
    const page = await core.objects.listUploads({
      volume: bucket.id,
      prefix,
      delimiter,
      limit,
      ...(keyMarker.length > 0 && {
        after: { key: keyMarker, ...(uploadMarker !== undefined && { upload: uploadMarker }) },
      }),
    });
    const last = page.truncated ? page.entries.at(-1) : undefined;
    const uploads: Xml[] = [];
    const prefixes: Xml[] = [];
    for (const entry of page.entries) {
      if (entry.kind === 'prefix')
        prefixes.push(element('CommonPrefixes', leaf('Prefix', encoding.encode(entry.prefix))));
      else uploads.push(uploadElement(entry, { encoding, owner: caller }));
    }
    return xmlReply(
      xmlDocument(
        'ListMultipartUploadsResult',
        leaf('Bucket', bucket.name),
        leaf('KeyMarker', encoding.encode(keyMarker)),
        leaf('UploadIdMarker', uploadMarker ?? ''),
        leaf('NextKeyMarker', last && encoding.encode(last.kind === 'upload' ? last.key : last.prefix)),
        leaf('NextUploadIdMarker', last?.kind === 'upload' ? last.upload : undefined),
        leaf('Prefix', encoding.encode(prefix)),
        leaf('Delimiter', delimiter.length === 0 ? undefined : encoding.encode(delimiter)),
        leaf('EncodingType', encoding.type),
        leaf('MaxUploads', limit),
        leaf('IsTruncated', page.truncated),
        ...uploads,
        ...prefixes,
      ),
    );
  },
});

/** Counts only beside a key marker. @throws S3Error InvalidArgument */
function readUploadMarker({ query }: S3Request): UploadId | undefined {
  const text = query.get('upload-id-marker') ?? '';
  if (text === '' || (query.get('key-marker') ?? '') === '') return undefined;
  const upload = parseUploadId(text);
  if (upload === undefined) throw invalidArgument('upload-id-marker', text, 'Invalid uploadId marker');
  return upload;
}

function uploadElement(
  { key, upload, storageClass, initiated, checksum }: UploadInfo,
  { encoding, owner }: { readonly encoding: NameEncoding; readonly owner: Account },
): Xml {
  return element(
    'Upload',
    leaf('Key', encoding.encode(key)),
    leaf('UploadId', upload),
    ownerElement('Initiator', owner),
    ownerElement('Owner', owner),
    leaf('StorageClass', storageClass),
    leaf('Initiated', isoDate(initiated)),
    leaf('ChecksumAlgorithm', checksum?.algorithm),
    leaf('ChecksumType', checksum?.type),
  );
}

import type { ObjectInfo, OpenObject } from '@facet/core';
import { checksumElementName } from '../checksums/algorithms.ts';
import { formatChecksum } from '../checksums/value.ts';
import { S3Error } from '../errors.ts';
import { xmlReply } from '../http/reply.ts';
import { httpDate } from '../objects/dates.ts';
import { checksumElements } from '../objects/objectChecksum.ts';
import { PART_NUMBER_MAX } from '../objects/selection.ts';
import { requireNullVersion } from '../objects/versionId.ts';
import { operation } from '../operation.ts';
import { parseInteger, type S3Request } from '../request.ts';
import { element, leaf, type Xml, xmlDocument } from '../xml/write.ts';

const ATTRIBUTES = ['ETag', 'Checksum', 'ObjectParts', 'StorageClass', 'ObjectSize'] as const;
type Attribute = (typeof ATTRIBUTES)[number];
const PARTS_PAGE_MAX = 1000;

/** @source S3 API Reference, GetObjectAttributes */
export const getObjectAttributes = operation({
  level: 'object',
  name: 'GetObjectAttributes',
  input: (request) => {
    requireNullVersion(request);
    return {
      wanted: readWanted(request),
      afterPartNumber: readNumber(request, 'x-amz-part-number-marker', PART_NUMBER_MAX, 0),
      limit: Math.min(PARTS_PAGE_MAX, readNumber(request, 'x-amz-max-parts', 2 ** 31 - 1, PARTS_PAGE_MAX)),
    };
  },
  run: async ({ core, bucket, key }, { wanted, ...page }) => {
    const withParts = wanted.has('ObjectParts');
    const object = await core.objects.open({ volume: bucket.id, key, withParts, choose: () => 'nothing' });
    object.close();
    const { info } = object;
    const write: Readonly<Record<Attribute, () => Xml>> = {
      ETag: () => leaf('ETag', info.etag),
      Checksum: () => (info.checksum ? element('Checksum', checksumElements(info.checksum, info)) : ''),
      ObjectParts: () => partsElement(object, page),
      StorageClass: () => leaf('StorageClass', info.storageClass),
      ObjectSize: () => leaf('ObjectSize', info.sizeBytes),
    };
    const elements = ATTRIBUTES.filter((name) => wanted.has(name)).map((name) => write[name]());
    return xmlReply(xmlDocument('GetObjectAttributesResponse', ...elements), {
      'last-modified': httpDate(info.lastModified),
    });
  },
});

/** @throws S3Error InvalidRequest | InvalidArgument */
function readWanted({ headers }: S3Request): ReadonlySet<Attribute> {
  const header = headers.get('x-amz-object-attributes') ?? '';
  if (header === '') {
    throw new S3Error(
      'InvalidRequest',
      'The x-amz-object-attributes header specifying the attributes to be retrieved is either missing or empty',
    );
  }
  const wanted = new Set<Attribute>();
  for (const piece of header.split(',')) {
    const attribute = ATTRIBUTES.find((name) => name === piece.trim());
    if (attribute === undefined) {
      throw new S3Error('InvalidArgument', 'Invalid attribute name specified.', {
        fields: { ArgumentName: 'x-amz-object-attributes', ArgumentValue: header },
      });
    }
    wanted.add(attribute);
  }
  return wanted;
}

function readNumber({ headers }: S3Request, name: string, max: number, fallback: number): number {
  const text = headers.get(name);
  return text === undefined ? fallback : parseInteger(text, name, { min: 0, max });
}

/** Only an object made of parts has any. */
function partsElement(
  object: OpenObject,
  { afterPartNumber, limit }: { readonly afterPartNumber: number; readonly limit: number },
): Xml {
  const { info } = object;
  if (info.parts === undefined) return '';
  const found = object.parts({ afterPartNumber, limit: limit + 1 });
  const parts = found.slice(0, limit);
  return element(
    'ObjectParts',
    leaf('IsTruncated', found.length > limit),
    leaf('MaxParts', limit),
    leaf('NextPartNumberMarker', parts.at(-1)?.partNumber ?? 0),
    leaf('PartNumberMarker', afterPartNumber),
    ...parts.map(({ partNumber, sizeBytes, checksum }) =>
      element('Part', checksumLeaf(info, checksum), leaf('PartNumber', partNumber), leaf('Size', sizeBytes)),
    ),
    leaf('PartsCount', info.parts),
  );
}

function checksumLeaf({ checksum }: ObjectInfo, value: Uint8Array | undefined): Xml {
  if (checksum === undefined || value === undefined) return '';
  return leaf(checksumElementName(checksum.algorithm), formatChecksum({ type: 'FULL_OBJECT', value }));
}

/** An object's checksum on its way out: in headers and in XML. */
import type { Checksum } from '@facet/core';
import { checksumElementName, checksumHeaderName } from '../checksums/algorithms.ts';
import { formatChecksum } from '../checksums/value.ts';
import { leaf, type Xml } from '../xml/write.ts';

/** What tells the number after the dash of a composite checksum: it is that of the ETag. */
interface Composed {
  readonly etag: string;
}

function checksumText(checksum: Checksum, { etag }: Composed): string {
  if (checksum.type === 'FULL_OBJECT') return formatChecksum(checksum);
  return formatChecksum(checksum, Number(etag.slice(etag.lastIndexOf('-') + 1)));
}

/** `x-amz-checksum-*` and `x-amz-checksum-type`. */
export function checksumHeaders(checksum: Checksum | undefined, object: Composed): Record<string, string> {
  const headers: Record<string, string> = {};
  if (checksum === undefined) return headers;
  headers[checksumHeaderName(checksum.algorithm)] = checksumText(checksum, object);
  headers['x-amz-checksum-type'] = checksum.type;
  return headers;
}

/** `<ChecksumCRC32>…</ChecksumCRC32>` and `<ChecksumType>`. */
export function checksumElements(checksum: Checksum | undefined, object: Composed): Xml {
  if (checksum === undefined) return '';
  return (
    leaf(checksumElementName(checksum.algorithm), checksumText(checksum, object)) +
    leaf('ChecksumType', checksum.type)
  );
}

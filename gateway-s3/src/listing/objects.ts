/** What ListObjects, ListObjectsV2 and ListObjectVersions share. */
import type { Account, ListObjectsResult, ObjectSummary } from '@facet/core';
import { isoDate } from '../objects/dates.ts';
import { quoted } from '../objects/etags.ts';
import { queryBytes, queryInteger, type S3Request } from '../request.ts';
import { ownerElement } from '../xml/owner.ts';
import { element, leaf, type Xml } from '../xml/write.ts';
import { type NameEncoding, readNameEncoding } from './encoding.ts';

const PAGE_MAX = 1000;

export function readListing(request: S3Request) {
  return {
    prefix: queryBytes(request, 'prefix'),
    delimiter: queryBytes(request, 'delimiter'),
    encoding: readNameEncoding(request),
    limit: readPageLimit(request, 'max-keys'),
  };
}

/** More than a page holds is a page. @throws S3Error InvalidArgument */
export function readPageLimit(request: S3Request, name: string): number {
  return Math.min(PAGE_MAX, queryInteger(request, name, { min: 0, max: 2 ** 31 - 1, fallback: PAGE_MAX }));
}

/** An empty value is a name of no bytes: as good as none. */
export function nonEmpty(name: Buffer): Buffer | undefined {
  return name.length === 0 ? undefined : name;
}

/** The name to go on after, for the next page. */
export function lastName({ entries, truncated }: ListObjectsResult): Buffer | undefined {
  const last = truncated ? entries.at(-1) : undefined;
  if (last === undefined) return undefined;
  return last.kind === 'object' ? last.key : last.prefix;
}

/** `owner` given: with `<Owner>`. */
export function contentsElement(
  object: ObjectSummary,
  { encoding, owner }: { readonly encoding: NameEncoding; readonly owner: Account | undefined },
): Xml {
  return element('Contents', leaf('Key', encoding.encode(object.key)), summaryElements(object, owner));
}

export function summaryElements(object: ObjectSummary, owner: Account | undefined): Xml {
  return (
    leaf('LastModified', isoDate(object.lastModified)) +
    leaf('ETag', quoted(object.etag)) +
    leaf('ChecksumAlgorithm', object.checksum?.algorithm) +
    leaf('ChecksumType', object.checksum?.type) +
    leaf('Size', object.sizeBytes) +
    (owner === undefined ? '' : ownerElement('Owner', owner)) +
    leaf('StorageClass', object.storageClass)
  );
}

export function commonPrefixElement(prefix: Buffer, encoding: NameEncoding): Xml {
  return element('CommonPrefixes', leaf('Prefix', encoding.encode(prefix)));
}

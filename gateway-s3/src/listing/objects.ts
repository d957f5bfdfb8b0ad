/** What ListObjects, ListObjectsV2 and ListObjectVersions share. */
import type { Account, ListObjectsArgs, ListObjectsResult, Volume } from '@facet/core';
import { queryBytes, queryInteger, type S3Request } from '../request.ts';
import { nameLeaf, type Xml } from '../xml/write.ts';
import { type NameEncoding, readNameEncoding } from './encoding.ts';
import { Summaries } from './summaries.ts';

const PAGE_MAX = 1000;
const INTEGER_MAX = 2 ** 31 - 1;

export interface Listing {
  readonly prefix: Buffer;
  /** Empty: none. */
  readonly delimiter: Buffer;
  readonly encoding: NameEncoding;
  readonly limit: number;
}

/** @throws S3Error InvalidArgument */
export function readListing(request: S3Request, limitName = 'max-keys'): Listing {
  return {
    prefix: queryBytes(request, 'prefix'),
    delimiter: queryBytes(request, 'delimiter'),
    encoding: readNameEncoding(request),
    limit: readPageLimit(request, limitName),
  };
}

/** Who asks for more than a page gets a page. @throws S3Error InvalidArgument */
export function readPageLimit(request: S3Request, name: string): number {
  return Math.min(PAGE_MAX, queryInteger(request, name, { min: 0, max: INTEGER_MAX, fallback: PAGE_MAX }));
}

export function listArgs(
  bucket: Volume,
  { prefix, delimiter, limit }: Listing,
  after: Buffer | undefined,
): ListObjectsArgs {
  return { volume: bucket.id, prefix, delimiter, limit, ...(after !== undefined && { after }) };
}

/** An empty value is as good as none. */
export function nonEmpty(name: Buffer): Buffer | undefined {
  return name.length === 0 ? undefined : name;
}

/** Where the next page begins, if there is one. */
export function lastName({ entries, truncated }: ListObjectsResult): Buffer | undefined {
  const last = truncated ? entries.at(-1) : undefined;
  if (last === undefined) return undefined;
  return last.kind === 'object' ? last.key : last.prefix;
}

/** Objects first, then common prefixes, each in byte order. `owner` given: objects tell their owner. */
export function entryElements(
  { entries }: ListObjectsResult,
  { encoding, owner }: { readonly encoding: NameEncoding; readonly owner: Account | undefined },
): Xml {
  const summaries = new Summaries(owner);
  let contents: Xml = '';
  let prefixes: Xml = '';
  for (const entry of entries) {
    if (entry.kind === 'prefix') prefixes += commonPrefixElement(entry.prefix, encoding);
    else contents += `<Contents>${keyElement(entry.key, encoding)}${summaries.elements(entry)}</Contents>`;
  }
  return contents + prefixes;
}

export function keyElement(key: Buffer, encoding: NameEncoding): Xml {
  return nameLeaf('Key', encoding.encode(key));
}

export function commonPrefixElement(prefix: Buffer, encoding: NameEncoding): Xml {
  return `<CommonPrefixes>${nameLeaf('Prefix', encoding.encode(prefix))}</CommonPrefixes>`;
}

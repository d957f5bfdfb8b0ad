/** The source of CopyObject and UploadPartCopy, in headers. */
import type { CopyObjectArgs, ObjectInfo, Volume } from '@facet/core';
import { parseKey } from '../addressing.ts';
import { decodePath, type HeaderMap } from '../auth/request.ts';
import { S3Error } from '../errors.ts';
import type { Call } from '../operation.ts';
import { ownBucket } from '../perform.ts';
import { invalidArgument } from '../request.ts';
import { atSecond, parseHttpDate, secondsOf } from './dates.ts';
import { listsEtag, parseEtagList } from './etags.ts';
import { checkVersionId } from './versionId.ts';

const COPY_SOURCE = 'x-amz-copy-source';

export type SourcePrecondition = NonNullable<CopyObjectArgs['sourcePrecondition']>;

export interface CopySource {
  readonly bucket: string;
  readonly key: Buffer;
  readonly expectedOwner: string | undefined;
  readonly precondition: SourcePrecondition;
}

/**
 * `/bucket/key` or `bucket/key`, percent-encoded, with `?versionId=` perhaps.
 * @throws S3Error InvalidArgument | NoSuchVersion | InvalidURI | KeyTooLongError
 */
export function readCopySource(headers: HeaderMap): CopySource {
  const header = headers.get(COPY_SOURCE) ?? '';
  const [path = '', query = ''] = splitOnce(header, '?versionId=');
  const decoded = decodeSource(path.startsWith('/') ? path.slice(1) : path);
  const slash = decoded.indexOf('/');
  if (slash <= 0 || slash === decoded.length - 1) {
    throw invalidArgument(
      COPY_SOURCE,
      header,
      'Copy Source must mention the source bucket and key: sourcebucket/sourcekey',
    );
  }
  if (query !== '') checkVersionId(query);
  return {
    bucket: decoded.slice(0, slash),
    key: parseKey(decoded.slice(slash + 1)),
    expectedOwner: headers.get('x-amz-source-expected-bucket-owner'),
    precondition: readPrecondition(headers),
  };
}

function decodeSource(path: string): string {
  try {
    return decodePath(path);
  } catch {
    throw invalidArgument(COPY_SOURCE, path, 'Copy Source must be percent-encoded.');
  }
}

function splitOnce(text: string, separator: string): readonly [string, string] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, ''] : [text.slice(0, at), text.slice(at + separator.length)];
}

function readPrecondition(headers: HeaderMap): SourcePrecondition {
  const ifMatch = parseEtagList(headers.get(`${COPY_SOURCE}-if-match`));
  const ifNoneMatch = parseEtagList(headers.get(`${COPY_SOURCE}-if-none-match`));
  const modified = parseHttpDate(headers.get(`${COPY_SOURCE}-if-modified-since`));
  const unmodified = parseHttpDate(headers.get(`${COPY_SOURCE}-if-unmodified-since`));
  return {
    ...(ifMatch !== undefined && { ifMatch }),
    ...(ifNoneMatch !== undefined && { ifNoneMatch }),
    ...(modified !== undefined && { ifModifiedSince: atSecond(modified) }),
    ...(unmodified !== undefined && { ifUnmodifiedSince: atSecond(unmodified) }),
  };
}

/**
 * Whether the client's conditions hold for a source as it is.
 * @throws S3Error PreconditionFailed: also where a read would answer 304
 */
export function checkSource(precondition: SourcePrecondition, { etag, lastModified }: ObjectInfo): void {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = precondition;
  const modified = secondsOf(lastModified);
  // Where an entity tag speaks, the date of the same kind is silent.
  const unchanged =
    ifMatch === undefined
      ? ifUnmodifiedSince === undefined || modified <= secondsOf(ifUnmodifiedSince)
      : listsEtag(ifMatch, etag);
  const changed =
    ifNoneMatch === undefined
      ? ifModifiedSince === undefined || modified > secondsOf(ifModifiedSince)
      : !listsEtag(ifNoneMatch, etag);
  if (!unchanged || !changed) throw new S3Error('PreconditionFailed');
}

/** @throws S3Error NoSuchBucket | AccessDenied */
export function sourceBucket(call: Call, { bucket, expectedOwner }: CopySource): Volume | Promise<Volume> {
  return ownBucket(call, { name: bucket, expectedOwner });
}

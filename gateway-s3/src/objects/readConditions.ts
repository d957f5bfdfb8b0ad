/** The conditions of GetObject and HeadObject. @source RFC 9110 §13.2.2 (precedence) */
import type { ObjectInfo } from '@facet/core';
import type { HeaderMap } from '../auth/request.ts';
import { S3Error } from '../errors.ts';
import { httpDate, parseHttpDate, secondsOf } from './dates.ts';
import { listsEtag, parseEtagList, quoted, unquoted } from './etags.ts';

export interface ReadConditions {
  readonly ifMatch: readonly string[] | undefined;
  readonly ifNoneMatch: readonly string[] | undefined;
  /** Seconds since the epoch. */
  readonly ifModifiedSince: number | undefined;
  readonly ifUnmodifiedSince: number | undefined;
  /** An entity tag or a date, as given. */
  readonly ifRange: string | undefined;
}

export function readConditions(headers: HeaderMap): ReadConditions {
  return {
    ifMatch: parseEtagList(headers.get('if-match')),
    ifNoneMatch: parseEtagList(headers.get('if-none-match')),
    ifModifiedSince: parseHttpDate(headers.get('if-modified-since')),
    ifUnmodifiedSince: parseHttpDate(headers.get('if-unmodified-since')),
    ifRange: headers.get('if-range'),
  };
}

/** @throws S3Error PreconditionFailed | NotModified */
export function checkConditions(conditions: ReadConditions, info: ObjectInfo): void {
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = conditions;
  if (ifMatch !== undefined) {
    if (!listsEtag(ifMatch, info.etag)) throw preconditionFailed('If-Match');
  } else if (ifUnmodifiedSince !== undefined && secondsOf(info.lastModified) > ifUnmodifiedSince) {
    throw preconditionFailed('If-Unmodified-Since');
  }
  if (ifNoneMatch !== undefined) {
    if (listsEtag(ifNoneMatch, info.etag)) throw notModified(info);
  } else if (ifModifiedSince !== undefined && secondsOf(info.lastModified) <= ifModifiedSince) {
    throw notModified(info);
  }
}

/** Whether `Range` counts: without `If-Range`, or when the object is still the one the client has part of. */
export function rangeApplies({ ifRange }: ReadConditions, info: ObjectInfo): boolean {
  if (ifRange === undefined) return true;
  const seconds = parseHttpDate(ifRange);
  return seconds === undefined ? unquoted(ifRange) === info.etag : seconds === secondsOf(info.lastModified);
}

function preconditionFailed(condition: string): S3Error {
  return new S3Error('PreconditionFailed', undefined, { fields: { Condition: condition } });
}

function notModified(info: ObjectInfo): S3Error {
  return new S3Error('NotModified', undefined, {
    headers: { etag: quoted(info.etag), 'last-modified': httpDate(info.lastModified) },
  });
}

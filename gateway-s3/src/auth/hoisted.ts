/**
 * `x-amz-*` headers that whoever presigned a URL has moved into its query, as SDKs do with most of them. S3 takes them for
 * the headers they are.
 * @source AWS SDK for JavaScript, `moveHeadersToQuery`, and what its issues (#4694) tell of S3
 */
import { invalidArgument } from '../request.ts';
import type { HeaderMap, QueryParam } from './request.ts';

const PREFIX = 'x-amz-';

/** Of the signature, or of a body that was not there yet. */
const NOT_OF_REQUEST: ReadonlySet<string> = new Set([
  'x-amz-algorithm',
  'x-amz-content-sha256',
  'x-amz-credential',
  'x-amz-date',
  'x-amz-decoded-content-length',
  'x-amz-expires',
  'x-amz-sdk-checksum-algorithm',
  'x-amz-security-token',
  'x-amz-signature',
  'x-amz-signedheaders',
  'x-amz-trailer',
]);

const CHECKSUM_PREFIX = 'x-amz-checksum-';
/** Say what is to be computed or told, which is no checksum. */
const CHECKSUM_WISHES: ReadonlySet<string> = new Set([
  'x-amz-checksum-algorithm',
  'x-amz-checksum-mode',
  'x-amz-checksum-type',
]);

/** @source RFC 9110 §5.1, §5.5: of bytes, one a character */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9a-z-]+$/;
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/;

/**
 * The headers, and with them those of the query of a request whose signature covers that. What comes as a header counts.
 * @throws S3Error InvalidArgument for what can be no header
 */
export function withHoisted(headers: HeaderMap, query: readonly QueryParam[]): HeaderMap {
  const all = new Map(headers);
  for (const { name, value } of query) {
    const header = name.toLowerCase();
    if (!isHoisted(header) || all.has(header)) continue;
    if (!HEADER_NAME.test(header) || !HEADER_VALUE.test(value))
      throw invalidArgument(name, value, `${name} can not be a header`);
    all.set(header, value);
  }
  return all;
}

/**
 * Not a checksum: SDKs put there that of the empty body that they sign for want of another, and S3 does not compare it.
 */
function isHoisted(header: string): boolean {
  if (!header.startsWith(PREFIX) || NOT_OF_REQUEST.has(header)) return false;
  return !header.startsWith(CHECKSUM_PREFIX) || CHECKSUM_WISHES.has(header);
}

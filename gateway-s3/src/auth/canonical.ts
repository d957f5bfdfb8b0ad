/**
 * The canonical form of a request: the text that SigV4 hashes.
 *
 * S3's flavour: the path is encoded once and never normalised (dot segments and empty segments stay).
 * @source S3 API Reference, "Signature Calculations for the Authorization Header", Task 1
 */
import { decodePath, type HeaderMap, type QueryParam, type RequestHead } from './request.ts';
import type { SignedHeaders } from './terms.ts';

export interface CanonicalInput {
  readonly head: RequestHead;
  /** In the order the client named them: its own canonical form used the same. */
  readonly signedHeaders: SignedHeaders;
  /** The text the client hashed as the payload's: a hash or one of S3's words. */
  readonly payloadHash: string;
}

/** One byte a character: hash it as latin1. */
export function canonicalRequest({ head, signedHeaders, payloadHash }: CanonicalInput): string {
  return (
    `${head.method}\n${canonicalPath(head.rawPath)}\n${canonicalQuery(head.query)}\n` +
    `${canonicalHeaders(head.headers, signedHeaders.names)}\n${signedHeaders.text}\n${payloadHash}`
  );
}

/** Decodes and encodes again, so that every spelling of one key has one canonical form; `/` is never encoded. */
export function canonicalPath(rawPath: string): string {
  return PLAIN_PATH.test(rawPath) ? rawPath : decodePath(rawPath).replace(NOT_PLAIN_PATH, escapeByte);
}

/** Sorted by encoded name, then by encoded value. The signature itself is left out. */
export function canonicalQuery(query: readonly QueryParam[]): string {
  if (query.length === 0) return '';
  const encoded: (readonly [name: string, value: string])[] = [];
  for (const { name, value } of query) {
    if (name !== 'X-Amz-Signature') encoded.push([encodeQueryPart(name), encodeQueryPart(value)]);
  }
  encoded.sort(([nameA, valueA], [nameB, valueB]) => compare(nameA, nameB) || compare(valueA, valueB));
  let text = '';
  for (const [name, value] of encoded) text += `${text === '' ? '' : '&'}${name}=${value}`;
  return text;
}

function canonicalHeaders(headers: HeaderMap, names: ReadonlySet<string>): string {
  let text = '';
  for (const name of names) {
    const value = headers.get(name) ?? '';
    text += `${name}:${NOT_SINGLE_BLANK.test(value) ? value.replace(BLANKS, ' ') : value}\n`;
  }
  return text;
}

const PLAIN_PATH = /^[A-Za-z0-9\-._~/]*$/;
const NOT_PLAIN_PATH = /[^A-Za-z0-9\-._~/]/g;
const PLAIN = /^[A-Za-z0-9\-._~]*$/;
const NOT_PLAIN = /[^A-Za-z0-9\-._~]/g;
const NOT_SINGLE_BLANK = /[ \t]{2}|\t/;
const BLANKS = /[ \t]+/g;

function encodeQueryPart(text: string): string {
  return PLAIN.test(text) ? text : text.replace(NOT_PLAIN, escapeByte);
}

const ESCAPES: readonly string[] = Array.from(
  { length: 256 },
  (_, byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
);

function escapeByte(char: string): string {
  return ESCAPES[char.charCodeAt(0)] ?? char;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

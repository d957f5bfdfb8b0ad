/** Checksums as text: base64 in headers, trailers and XML, with `-N` behind a composite one. */
import { Buffer } from 'node:buffer';
import type { Checksum } from '@facet/core';
import type { HeaderMap } from '../auth/request.ts';
import { S3Error } from '../errors.ts';
import {
  type ComputedAlgorithm,
  checksumHeaderName,
  checksumLength,
  parseChecksumAlgorithm,
} from './algorithms.ts';

/** A checksum of bytes, as a client sends it with them. */
export type BytesChecksum = Checksum & {
  readonly algorithm: ComputedAlgorithm;
  readonly type: 'FULL_OBJECT';
};

/** A checksum of an object; `parts` is the number behind the dash, which says that it is a composite one. */
export interface ObjectChecksum {
  readonly checksum: Checksum;
  readonly parts: number | undefined;
}

/**
 * Parses a base64 value of exactly the algorithm's length. `where` names the header, trailer or element it came in.
 * @throws S3Error InvalidRequest
 */
export function parseChecksumValue(
  algorithm: ComputedAlgorithm,
  text: string,
  where = `${checksumHeaderName(algorithm)} header`,
): BytesChecksum {
  const value = decodeBase64(text);
  if (value?.length !== checksumLength(algorithm)) {
    throw new S3Error('InvalidRequest', `Value for ${where} is invalid.`);
  }
  return { algorithm, type: 'FULL_OBJECT', value };
}

const COMPOSITE_TEXT = /^([^-]+)-(\d{1,5})$/;

/**
 * The whole object's checksum as CompleteMultipartUpload sends it: `base64`, or `base64-N` when composite.
 * @throws S3Error InvalidRequest
 */
export function parseObjectChecksum(algorithm: ComputedAlgorithm, text: string): ObjectChecksum {
  const composite = COMPOSITE_TEXT.exec(text);
  const { value } = parseChecksumValue(algorithm, composite?.[1] ?? text);
  return composite === null
    ? { checksum: { algorithm, type: 'FULL_OBJECT', value }, parts: undefined }
    : { checksum: { algorithm, type: 'COMPOSITE', value }, parts: Number(composite[2]) };
}

/** `base64`; with `-N` behind it when it is composite and `parts` is known. */
export function formatChecksum({ type, value }: Pick<Checksum, 'type' | 'value'>, parts?: number): string {
  const base64 = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64');
  return type === 'COMPOSITE' && parts !== undefined ? `${base64}-${parts}` : base64;
}

const HEADER_PREFIX = 'x-amz-checksum-';
const NOT_A_VALUE: ReadonlySet<string> = new Set(['algorithm', 'type', 'mode']);

/** A checksum header, name and value still apart: what the value means depends on the operation. */
export interface ChecksumHeader {
  readonly algorithm: ComputedAlgorithm;
  readonly text: string;
}

/**
 * The one `x-amz-checksum-*` header that carries a value, if any (`-algorithm`, `-type` and `-mode` do not).
 * @throws S3Error InvalidRequest (two values, unknown algorithm) | NotImplemented (an algorithm we lack)
 */
export function readChecksumHeader(headers: HeaderMap): ChecksumHeader | undefined {
  let found: ChecksumHeader | undefined;
  for (const [name, text] of headers) {
    if (!name.startsWith(HEADER_PREFIX)) continue;
    const suffix = name.slice(HEADER_PREFIX.length);
    if (NOT_A_VALUE.has(suffix)) continue;
    if (found !== undefined) throw twoChecksums();
    found = { algorithm: parseChecksumAlgorithm(suffix), text };
  }
  return found;
}

export function twoChecksums(): S3Error {
  return new S3Error(
    'InvalidRequest',
    'Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.',
  );
}

/**
 * `Content-MD5`: 16 bytes in base64.
 * @throws S3Error InvalidDigest
 */
export function readContentMd5(headers: HeaderMap): Buffer | undefined {
  const text = headers.get('content-md5');
  if (text === undefined) return undefined;
  const md5 = decodeBase64(text);
  if (md5?.length !== 16) throw new S3Error('InvalidDigest', undefined, { fields: { 'Content-MD5': text } });
  return md5;
}

/** `undefined` unless the text is the one base64 spelling of its bytes: Buffer alone skips what it cannot read. */
function decodeBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

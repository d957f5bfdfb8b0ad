/**
 * Signature Version 4 from the client's side: every element can be given wrong on purpose.
 * @source S3 API Reference, "Authenticating Requests (AWS Signature Version 4)"
 */
import { createHash, createHmac } from 'node:crypto';

/** As it goes over the wire; names keep their case, and may repeat. */
export type HeaderLine = readonly [name: string, value: string];

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export interface Scope {
  /** `YYYYMMDD` */
  readonly date: string;
  readonly region: string;
  readonly service: string;
  readonly terminal: string;
}

export const EMPTY_SHA256 = sha256Hex('');

export function sha256Hex(data: string | Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

function hmac(key: string | Buffer, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest();
}

/** `YYYYMMDDTHHMMSSZ` */
export function amzTime(time: Date): string {
  return time.toISOString().replace(/[-:]|\.\d+/g, '');
}

export function scopeText({ date, region, service, terminal }: Scope): string {
  return `${date}/${region}/${service}/${terminal}`;
}

export function signingKey(secretAccessKey: string, { date, region, service, terminal }: Scope): Buffer {
  return [region, service, terminal].reduce<Buffer>(hmac, hmac(`AWS4${secretAccessKey}`, date));
}

export interface CanonicalParts {
  readonly method: string;
  /** As on the wire: percent-encoded, with its query. */
  readonly path: string;
  readonly headers: readonly HeaderLine[];
  /** Lower-case, sorted. */
  readonly signedHeaders: readonly string[];
  readonly payload: string;
}

export function canonicalRequest({ method, path, headers, signedHeaders, payload }: CanonicalParts): string {
  const mark = path.indexOf('?');
  const rawPath = mark < 0 ? path : path.slice(0, mark);
  const rawQuery = mark < 0 ? '' : path.slice(mark + 1);
  const valueOfHeader = (name: string): string =>
    headers
      .filter(([given]) => given.toLowerCase() === name)
      .map(([, value]) => value.trim().replace(/ +/g, ' '))
      .join(',');
  return [
    method,
    reencode(rawPath).replaceAll('%2F', '/'),
    canonicalQuery(rawQuery),
    ...signedHeaders.map((name) => `${name}:${valueOfHeader(name)}`),
    '',
    signedHeaders.join(';'),
    payload,
  ].join('\n');
}

function canonicalQuery(rawQuery: string): string {
  return rawQuery
    .split('&')
    .filter((pair) => pair !== '')
    .map((pair) => {
      const equals = pair.indexOf('=');
      const name = equals < 0 ? pair : pair.slice(0, equals);
      return [reencode(name), equals < 0 ? '' : reencode(pair.slice(equals + 1))] as const;
    })
    .sort(([a, x], [b, y]) => (a === b ? compare(x, y) : compare(a, b)))
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

/** Decodes and encodes again byte by byte: also what is not UTF-8, or badly encoded. */
function reencode(piece: string): string {
  const bytes = piece.replace(/%([0-9A-Fa-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return bytes.replace(
    /[^A-Za-z0-9\-._~]/g,
    (c) => `%${c.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`,
  );
}

/** A key as it goes into a path: slashes stay. */
export function encodeKey(key: string): string {
  return reencode(Buffer.from(key, 'utf8').toString('latin1').replaceAll('%', '%25')).replaceAll('%2F', '/');
}

export function stringToSign(time: string, scope: Scope, canonical: string): string {
  return ['AWS4-HMAC-SHA256', time, scopeText(scope), sha256Hex(Buffer.from(canonical, 'latin1'))].join('\n');
}

export function signature(key: Buffer, toSign: string): string {
  return hmac(key, toSign).toString('hex');
}

export interface ChunkSigning {
  readonly key: Buffer;
  readonly time: string;
  readonly scope: Scope;
}

/** @source "Signature Calculations for the Authorization Header: Transferring Payload in Multiple Chunks" */
export function chunkSignature(signing: ChunkSigning, previous: string, data: string | Buffer): string {
  const { key, time, scope } = signing;
  return signature(
    key,
    ['AWS4-HMAC-SHA256-PAYLOAD', time, scopeText(scope), previous, EMPTY_SHA256, sha256Hex(data)].join('\n'),
  );
}

/** `trailers`: lines `name:value\n`, sorted. */
export function trailerSignature(signing: ChunkSigning, previous: string, trailers: string): string {
  const { key, time, scope } = signing;
  return signature(
    key,
    ['AWS4-HMAC-SHA256-TRAILER', time, scopeText(scope), previous, sha256Hex(trailers)].join('\n'),
  );
}

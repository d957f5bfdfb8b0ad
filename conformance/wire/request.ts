/** A whole request as bytes: correct unless told otherwise, so that a test changes only what it is about. */
import {
  amzTime,
  type Credentials,
  canonicalRequest,
  type HeaderLine,
  type Scope,
  scopeText,
  sha256Hex,
  signature,
  signingKey,
  stringToSign,
} from './sigv4.ts';

export interface Ask {
  /** Default GET. */
  readonly method?: string;
  /** As on the wire: percent-encoded, with its query. */
  readonly path: string;
  /** After `Host`, before those that signing adds. */
  readonly headers?: readonly HeaderLine[];
  readonly body?: string | Buffer;
}

export interface Signing {
  readonly credentials: Credentials;
  /** Value of `Host`. */
  readonly host: string;
  /** Default now. */
  readonly time?: Date;
  readonly scope?: Partial<Scope>;
  /** `x-amz-content-sha256`; default the body's hash. `null` leaves the header out. */
  readonly payload?: string | null;
  /** Lower-case names sent but left out of `SignedHeaders`. */
  readonly unsigned?: readonly string[];
}

/** A request's head, not yet bytes; what it was signed with, to go on with for chunks. */
export interface SignedRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly HeaderLine[];
  readonly body: Buffer;
  readonly seed: {
    readonly signature: string;
    readonly key: Buffer;
    readonly time: string;
    readonly scope: Scope;
  };
}

const REGION = 'us-east-1';

export function signByHeader(ask: Ask, signing: Signing): SignedRequest {
  const method = ask.method ?? 'GET';
  const body = Buffer.from(ask.body ?? '');
  const time = amzTime(signing.time ?? new Date());
  const scope = scopeOf(signing, time);
  const payload = signing.payload === undefined ? sha256Hex(body) : signing.payload;
  const headers: HeaderLine[] = [['Host', signing.host], ...(ask.headers ?? []), ['x-amz-date', time]];
  if (payload !== null) headers.push(['x-amz-content-sha256', payload]);
  const signedHeaders = signedNames(headers, signing.unsigned);
  const key = signingKey(signing.credentials.secretAccessKey, scope);
  const canonical = canonicalRequest({
    method,
    path: ask.path,
    headers,
    signedHeaders,
    payload: payload ?? '',
  });
  const signed = signature(key, stringToSign(time, scope, canonical));
  headers.push([
    'Authorization',
    `AWS4-HMAC-SHA256 Credential=${signing.credentials.accessKeyId}/${scopeText(scope)}, ` +
      `SignedHeaders=${signedHeaders.join(';')}, Signature=${signed}`,
  ]);
  return { method, path: ask.path, headers, body, seed: { signature: signed, key, time, scope } };
}

export interface Presigning extends Signing {
  /** Text of `X-Amz-Expires`. */
  readonly expires: string;
}

export function presign(ask: Ask, signing: Presigning): SignedRequest {
  const method = ask.method ?? 'GET';
  const time = amzTime(signing.time ?? new Date());
  const scope = scopeOf(signing, time);
  const headers: HeaderLine[] = [['Host', signing.host], ...(ask.headers ?? [])];
  const signedHeaders = signedNames(headers, signing.unsigned);
  const query = [
    ['X-Amz-Algorithm', 'AWS4-HMAC-SHA256'],
    ['X-Amz-Credential', `${signing.credentials.accessKeyId}/${scopeText(scope)}`],
    ['X-Amz-Date', time],
    ['X-Amz-Expires', signing.expires],
    ['X-Amz-SignedHeaders', signedHeaders.join(';')],
  ]
    .map(([name = '', value = '']) => `${name}=${encodeURIComponent(value)}`)
    .join('&');
  const path = `${ask.path}${ask.path.includes('?') ? '&' : '?'}${query}`;
  const key = signingKey(signing.credentials.secretAccessKey, scope);
  const canonical = canonicalRequest({ method, path, headers, signedHeaders, payload: 'UNSIGNED-PAYLOAD' });
  const signed = signature(key, stringToSign(time, scope, canonical));
  return {
    method,
    path: `${path}&X-Amz-Signature=${signed}`,
    headers,
    body: Buffer.from(ask.body ?? ''),
    seed: { signature: signed, key, time, scope },
  };
}

function scopeOf(signing: Signing, time: string): Scope {
  return {
    date: time.slice(0, 8),
    region: REGION,
    service: 's3',
    terminal: 'aws4_request',
    ...signing.scope,
  };
}

function signedNames(headers: readonly HeaderLine[], unsigned: readonly string[] = []): string[] {
  const names = headers.map(([name]) => name.toLowerCase());
  const signed = names.filter(
    (name) => name === 'host' || name === 'content-type' || name === 'range' || name.startsWith('x-amz-'),
  );
  return [...new Set(signed)].filter((name) => !unsigned.includes(name)).sort();
}

/** `Content-Length` follows the body, unless the request frames it itself. */
export function requestBytes(request: Omit<SignedRequest, 'seed'>): Buffer {
  const framed = request.headers.some(([name]) => /^(?:content-length|transfer-encoding)$/i.test(name));
  const headers: readonly HeaderLine[] =
    framed || (request.body.length === 0 && request.method !== 'PUT' && request.method !== 'POST')
      ? request.headers
      : [...request.headers, ['Content-Length', String(request.body.length)]];
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  return Buffer.concat([
    Buffer.from(`${request.method} ${request.path} HTTP/1.1\r\n${lines}\r\n`, 'latin1'),
    request.body,
  ]);
}

/**
 * What a request claims about its sender, read strictly but not yet believed.
 * @source S3 API Reference, "Using the Authorization Header" and "Using Query Parameters"
 */
import { S3Error } from '../errors.ts';
import type { HeaderMap, QueryParam, RequestHead } from './request.ts';
import { type AmzTime, parseAmzTime, parseDateHeader } from './time.ts';

/** A signature, and everything needed to work out what it should be. */
export interface SignatureClaim {
  readonly via: 'header' | 'presigned';
  readonly accessKeyId: string;
  /** `YYYYMMDD` */
  readonly date: string;
  readonly region: string;
  /** Lower-case, in the client's order. */
  readonly signedHeaders: ReadonlySet<string>;
  readonly signature: string;
  readonly time: AmzTime;
  /** The value of `x-amz-content-sha256`, or what stands for it. */
  readonly payloadHash: string;
  readonly sessionToken: string | undefined;
  /** Lifetime of a presigned URL; `undefined` for a header. */
  readonly expiresSeconds: number | undefined;
}

const ALGORITHM = 'AWS4-HMAC-SHA256';
const EXPIRES_SECONDS_MAX = 604_800;

/** `undefined` when the request does not try to authenticate. @throws S3Error as {@link createVerifier} lists */
export function readClaim(head: RequestHead): SignatureClaim | undefined {
  const authorization = head.headers.get('authorization');
  const byQuery = head.query.some(({ name }) => QUERY_AUTH_NAMES.has(name));
  if (authorization !== undefined) {
    if (byQuery) throw twoMechanisms(authorization);
    return readHeaderClaim(authorization, head.headers);
  }
  return byQuery ? readQueryClaim(head) : undefined;
}

// ---- Authorization header ----

function readHeaderClaim(authorization: string, headers: HeaderMap): SignatureClaim {
  const components = parseAuthorization(authorization);
  const scope = parseCredential(components.credential, headerMalformed);
  const time = readHeaderTime(headers);
  if (scope.date !== time.text.slice(0, 8)) {
    throw headerMalformed(
      `Invalid credential date "${scope.date}". This date is not the same as X-Amz-Date: "${time.text.slice(0, 8)}".`,
    );
  }
  const payloadHash = headers.get('x-amz-content-sha256');
  if (payloadHash === undefined) {
    throw new S3Error('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256');
  }
  return {
    via: 'header',
    ...scope,
    signedHeaders: parseSignedHeaders(components.signedHeaders, headerMalformed),
    signature: components.signature,
    time,
    payloadHash,
    sessionToken: headers.get('x-amz-security-token'),
    expiresSeconds: undefined,
  };
}

/** `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`: each once, in any order. */
function parseAuthorization(text: string): { credential: string; signedHeaders: string; signature: string } {
  const blank = text.indexOf(' ');
  const scheme = blank < 0 ? text : text.slice(0, blank);
  if (scheme === 'AWS' || scheme === 'AWS4-ECDSA-P256-SHA256') throw oldMechanism();
  if (scheme !== ALGORITHM) {
    throw new S3Error('InvalidArgument', 'Unsupported Authorization Type', {
      fields: { ArgumentName: 'Authorization', ArgumentValue: scheme },
    });
  }
  const found = new Map<string, string>();
  for (const piece of text.slice(ALGORITHM.length).split(',')) {
    const component = piece.trim();
    const equals = component.indexOf('=');
    if (equals < 0) throw headerMalformed(`the authorization component "${component}" is malformed.`);
    const name = component.slice(0, equals);
    if (found.has(name)) throw headerMalformed(`the authorization component "${name}" is given twice.`);
    found.set(name, component.slice(equals + 1));
  }
  const required = (name: string): string => {
    const value = found.get(name);
    if (value === undefined || value === '') throw headerMalformed(`missing ${name}.`);
    return value;
  };
  const credential = required('Credential');
  const signedHeaders = required('SignedHeaders');
  const signature = required('Signature');
  if (found.size !== 3) {
    throw headerMalformed(
      'the authorization header requires three components: Credential, SignedHeaders, and Signature.',
    );
  }
  return { credential, signedHeaders, signature };
}

function readHeaderTime(headers: HeaderMap): AmzTime {
  const amzDate = headers.get('x-amz-date');
  const time = amzDate === undefined ? parseDateHeader(headers.get('date') ?? '') : parseAmzTime(amzDate);
  if (time === undefined) {
    throw new S3Error('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header');
  }
  return time;
}

// ---- presigned URL ----

const QUERY_AUTH_NAMES: ReadonlySet<string> = new Set([
  'X-Amz-Algorithm',
  'X-Amz-Credential',
  'X-Amz-Date',
  'X-Amz-Expires',
  'X-Amz-Signature',
  'X-Amz-SignedHeaders',
  // Signature Version 2, recognised to be refused by name.
  'AWSAccessKeyId',
  'Signature',
]);

function readQueryClaim({ query, headers }: RequestHead): SignatureClaim {
  const params = collectAuthParams(query);
  const algorithm = params.get('X-Amz-Algorithm');
  if (algorithm === undefined && (params.has('AWSAccessKeyId') || params.has('Signature')))
    throw oldMechanism();
  if (algorithm !== undefined && algorithm !== ALGORITHM) {
    throw queryMalformed(`X-Amz-Algorithm only supports "${ALGORITHM}"`);
  }
  const required = (name: string): string => {
    const value = params.get(name);
    if (value === undefined) {
      throw queryMalformed(
        'Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, ' +
          'X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.',
      );
    }
    return value;
  };
  required('X-Amz-Algorithm');
  const credential = required('X-Amz-Credential');
  const date = required('X-Amz-Date');
  const expires = required('X-Amz-Expires');
  const signedHeaders = required('X-Amz-SignedHeaders');
  const signature = required('X-Amz-Signature');

  const scope = parseCredential(credential, queryCredentialMalformed);
  const time = parseAmzTime(date);
  if (time === undefined) {
    throw queryMalformed(`X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"`);
  }
  if (scope.date !== date.slice(0, 8)) {
    throw queryMalformed(
      `Invalid credential date "${scope.date}". This date is not the same as X-Amz-Date: "${date.slice(0, 8)}".`,
    );
  }
  return {
    via: 'presigned',
    ...scope,
    signedHeaders: parseSignedHeaders(signedHeaders, queryMalformed),
    signature,
    time,
    // Some SDKs move the header into the URL; without either the URL leaves the body free.
    payloadHash:
      headers.get('x-amz-content-sha256') ?? params.get('X-Amz-Content-Sha256') ?? 'UNSIGNED-PAYLOAD',
    sessionToken: params.get('X-Amz-Security-Token') ?? headers.get('x-amz-security-token'),
    expiresSeconds: parseExpires(expires),
  };
}

function collectAuthParams(query: readonly QueryParam[]): ReadonlyMap<string, string> {
  const params = new Map<string, string>();
  for (const { name, value } of query) {
    const matters =
      QUERY_AUTH_NAMES.has(name) || name === 'X-Amz-Content-Sha256' || name === 'X-Amz-Security-Token';
    if (!matters) continue;
    if (params.has(name)) throw queryMalformed(`The query parameter ${name} is given twice.`);
    params.set(name, value);
  }
  return params;
}

function parseExpires(text: string): number {
  if (/^-\d+$/.test(text)) throw queryMalformed('X-Amz-Expires must be non-negative');
  if (!/^\d+$/.test(text)) throw queryMalformed('X-Amz-Expires should be a number');
  const seconds = Number(text);
  if (seconds > EXPIRES_SECONDS_MAX) {
    throw queryMalformed(
      'X-Amz-Expires must be less than a week (in seconds); ' +
        `that is, the given X-Amz-Expires must be less than ${EXPIRES_SECONDS_MAX} seconds`,
    );
  }
  if (seconds === 0) throw queryMalformed('X-Amz-Expires must be at least 1 second');
  return seconds;
}

// ---- both ----

type Malformed = (detail: string) => S3Error;

// The decoded query can hold any byte; a line break in a scope would blur the string that is signed.
const VISIBLE = /^[\x21-\x7e]{1,128}$/;

/** `AKID/YYYYMMDD/REGION/s3/aws4_request` */
function parseCredential(
  text: string,
  malformed: Malformed,
): { accessKeyId: string; date: string; region: string } {
  const parts = text.split('/');
  const [accessKeyId = '', date = '', region = '', service = '', terminal = ''] = parts;
  if (parts.length !== 5 || !VISIBLE.test(accessKeyId) || !VISIBLE.test(region)) {
    throw malformed(
      'the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".',
    );
  }
  if (!/^\d{8}$/.test(date)) {
    throw malformed(
      `incorrect date format "${date}". This date in the credential must be in the format "yyyyMMdd".`,
    );
  }
  if (service !== 's3') throw malformed(`incorrect service "${service}". This endpoint belongs to "s3".`);
  if (terminal !== 'aws4_request') {
    throw malformed(`incorrect terminal "${terminal}". This endpoint uses "aws4_request".`);
  }
  return { accessKeyId, date, region };
}

const HEADER_NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;

function parseSignedHeaders(text: string, malformed: Malformed): ReadonlySet<string> {
  const names = text.split(';');
  const distinct = new Set(names);
  if (distinct.size !== names.length || !names.every((name) => HEADER_NAME.test(name))) {
    throw malformed('SignedHeaders must be lower-case header names, each once, separated by semicolons.');
  }
  return distinct;
}

function headerMalformed(detail: string): S3Error {
  return new S3Error('AuthorizationHeaderMalformed', `The authorization header is malformed; ${detail}`);
}

function queryMalformed(detail: string): S3Error {
  return new S3Error('AuthorizationQueryParametersError', detail);
}

function queryCredentialMalformed(detail: string): S3Error {
  return queryMalformed(`Error parsing the X-Amz-Credential parameter; ${detail}`);
}

function oldMechanism(): S3Error {
  return new S3Error(
    'InvalidRequest',
    `The authorization mechanism you have provided is not supported. Please use ${ALGORITHM}.`,
  );
}

function twoMechanisms(authorization: string): S3Error {
  return new S3Error(
    'InvalidArgument',
    'Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter ' +
      'or the Authorization header should be specified',
    { fields: { ArgumentName: 'Authorization', ArgumentValue: authorization } },
  );
}

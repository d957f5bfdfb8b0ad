/**
 * What a request claims about its sender, read strictly but not yet believed.
 * @source S3 API Reference, "Using the Authorization Header" and "Using Query Parameters"
 */
import { S3Error } from '../errors.ts';
import type { HeaderMap, QueryParam, RequestHead } from './request.ts';
import { type KnownTerms, parseCredential, parseSignedHeaders, type SigningTerms } from './terms.ts';
import { type AmzTime, parseAmzTime, parseDateHeader } from './time.ts';

/** A signature, and everything needed to work out what it should be. */
export interface SignatureClaim {
  readonly via: 'header' | 'presigned';
  readonly terms: SigningTerms;
  /** What to keep the terms by once the signature holds; `undefined` when they are known, or not worth it. */
  readonly newTermsText: string | undefined;
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
export function readClaim(head: RequestHead, known: KnownTerms): SignatureClaim | undefined {
  const authorization = head.headers.get('authorization');
  const byQuery = head.query.length > 0 && head.query.some(({ name }) => QUERY_AUTH_NAMES.has(name));
  if (authorization !== undefined) {
    if (byQuery) throw twoMechanisms(authorization);
    return readHeaderClaim(authorization, head.headers, known);
  }
  return byQuery ? readQueryClaim(head) : undefined;
}

// ---- Authorization header ----

function readHeaderClaim(authorization: string, headers: HeaderMap, known: KnownTerms): SignatureClaim {
  const { terms, newTermsText, signature } = readAuthorization(authorization, known);
  const time = readHeaderTime(headers);
  if (!time.text.startsWith(terms.scope.date)) {
    throw headerMalformed(
      `Invalid credential date "${terms.scope.date}". This date is not the same as X-Amz-Date: "${time.text.slice(0, 8)}".`,
    );
  }
  const payloadHash = headers.get('x-amz-content-sha256');
  if (payloadHash === undefined) {
    throw new S3Error('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256');
  }
  return {
    via: 'header',
    terms,
    newTermsText,
    signature,
    time,
    payloadHash,
    sessionToken: headers.get('x-amz-security-token'),
    expiresSeconds: undefined,
  };
}

const SIGNATURE = 'Signature=';

/** The text before the last comma is a client's the whole day long when, as usual, it is the signature that follows. */
function readAuthorization(
  text: string,
  known: KnownTerms,
): Pick<SignatureClaim, 'terms' | 'newTermsText' | 'signature'> {
  const comma = text.lastIndexOf(',');
  const last = text.slice(comma + 1).trim();
  const termsText = last.startsWith(SIGNATURE) ? text.slice(0, comma) : undefined;
  const terms = termsText === undefined ? undefined : known.find(termsText);
  const signature = last.slice(SIGNATURE.length);
  if (terms !== undefined && signature !== '') return { terms, newTermsText: undefined, signature };

  const components = parseAuthorization(text);
  return {
    terms: {
      scope: parseCredential(components.credential, headerMalformed),
      signedHeaders: parseSignedHeaders(components.signedHeaders, headerMalformed),
    },
    newTermsText: termsText,
    signature: components.signature,
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
  if (!date.startsWith(scope.date)) {
    throw queryMalformed(
      `Invalid credential date "${scope.date}". This date is not the same as X-Amz-Date: "${date.slice(0, 8)}".`,
    );
  }
  return {
    via: 'presigned',
    terms: { scope, signedHeaders: parseSignedHeaders(signedHeaders, queryMalformed) },
    newTermsText: undefined,
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

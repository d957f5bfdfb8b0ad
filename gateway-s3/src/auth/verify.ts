/**
 * Who sent a request: Signature Version 4 as S3 speaks it, by header or by presigned URL.
 * @source S3 API Reference, "Authenticating Requests (AWS Signature Version 4)"
 */
import { hash } from 'node:crypto';
import { S3Error } from '../errors.ts';
import { canonicalRequest } from './canonical.ts';
import { readClaim, type SignatureClaim } from './claim.ts';
import { type DeclaredPayload, type Payload, parseDeclaredPayload, sealPayload } from './payload.ts';
import type { HeaderMap, RequestHead } from './request.ts';
import { sameSignature, sign } from './signature.ts';
import { SigningKeyCache } from './signingKeys.ts';
import { KnownTerms } from './terms.ts';

/** What a look-up must give; callers add what they want to find again in {@link Authentication} (account, user). */
export interface Credential {
  readonly secretAccessKey: string;
}

/** Finds an access key. `undefined` when there is none, or when it is disabled. */
type CredentialLookup<C extends Credential> = (accessKeyId: string) => C | undefined | Promise<C | undefined>;

export type Authentication<C extends Credential> =
  /** No attempt to authenticate. Whether that is allowed is the caller's decision. */
  | { readonly kind: 'anonymous'; readonly payload: Payload }
  /** The signature holds; the body is not checked yet (that is the decoder's work, told by `payload`). */
  | {
      readonly kind: 'verified';
      readonly via: 'header' | 'presigned';
      readonly accessKeyId: string;
      readonly credential: C;
      /** The region the client signed for: any is accepted. */
      readonly region: string;
      readonly payload: Payload;
    };

export interface VerifierOptions<C extends Credential> {
  readonly lookup: CredentialLookup<C>;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Signing keys kept, the least recently used dropped first. Default 1,000. */
  readonly signingKeysMax?: number;
}

/** Waits only where the look-up does. */
export type Verifier<C extends Credential> = (
  head: RequestHead,
) => Authentication<C> | Promise<Authentication<C>>;

const CLOCK_SKEW_MS_MAX = 15 * 60 * 1000;
const SIGNING_KEYS_MAX = 1000;

/**
 * Builds a verifier with a signing-key cache of its own.
 *
 * The verifier throws S3Error, or rejects with it: AccessDenied (no date, unsigned `host` or `x-amz-*` header, expired or not yet
 * valid URL) · AuthorizationHeaderMalformed · AuthorizationQueryParametersError · InvalidAccessKeyId · InvalidArgument
 * (header and query authentication together, unknown scheme, bad `x-amz-content-sha256`) · InvalidRequest (SigV2,
 * missing `x-amz-content-sha256`) · InvalidToken · InvalidURI · NotImplemented (SigV4A) · RequestTimeTooSkewed ·
 * SignatureDoesNotMatch.
 */
export function createVerifier<C extends Credential>(options: VerifierOptions<C>): Verifier<C> {
  const signingKeys = new SigningKeyCache(options.signingKeysMax ?? SIGNING_KEYS_MAX);
  const knownTerms = new KnownTerms();
  return (head) => {
    const claim = readClaim(head, knownTerms);
    if (claim === undefined) return { kind: 'anonymous', payload: anonymousPayload(head.headers) };
    const declared = parseDeclaredPayload(claim.payloadHash);
    checkTime(claim, options.now());
    checkEveryHeaderSigned(head.headers, claim.terms.signedHeaders.names);

    const found = options.lookup(claim.terms.scope.accessKeyId);
    return found instanceof Promise
      ? found.then((credential) => verifyBy(credential, head, { claim, declared }))
      : verifyBy(found, head, { claim, declared });
  };

  function verifyBy(
    credential: C | undefined,
    head: RequestHead,
    { claim, declared }: { readonly claim: SignatureClaim; readonly declared: DeclaredPayload },
  ): Authentication<C> {
    const { credential: credentialText, accessKeyId, date, region, scope } = claim.terms.scope;
    if (credential === undefined) {
      throw new S3Error('InvalidAccessKeyId', undefined, { fields: { AWSAccessKeyId: accessKeyId } });
    }
    // Keys here are long-lived and have no session: a token belongs to somebody else's key.
    if (claim.sessionToken !== undefined) {
      throw new S3Error('InvalidToken', undefined, { fields: { 'Token-0': claim.sessionToken } });
    }

    const { secretAccessKey } = credential;
    const keyScope = { credential: credentialText, secretAccessKey, date, region };
    const signingKey = signingKeys.find(keyScope);
    checkSignature(head, claim, signingKey);
    signingKeys.keep(keyScope, signingKey);
    if (claim.newTermsText !== undefined) knownTerms.keep(claim.newTermsText, claim.terms);
    const payload = sealPayload(declared, {
      seedSignature: claim.signature,
      signingKey,
      scope,
      timestamp: claim.time.text,
    });
    return { kind: 'verified', via: claim.via, accessKeyId, credential, region, payload };
  }
}

function anonymousPayload(headers: HeaderMap): Payload {
  const value = headers.get('x-amz-content-sha256');
  const declared: DeclaredPayload = value === undefined ? { kind: 'unsigned' } : parseDeclaredPayload(value);
  if (declared.kind === 'streaming-signed' || declared.kind === 'streaming-signed-trailer') {
    throw new S3Error(
      'InvalidRequest',
      "Anonymous requests don't support this x-amz-content-sha256 value. " +
        'Please use UNSIGNED-PAYLOAD or STREAMING-UNSIGNED-PAYLOAD-TRAILER.',
    );
  }
  return declared;
}

function checkTime({ via, time, expiresSeconds }: SignatureClaim, nowMs: number): void {
  if (via === 'presigned' && expiresSeconds !== undefined) {
    if (time.ms - nowMs > CLOCK_SKEW_MS_MAX) {
      throw new S3Error('AccessDenied', 'Request is not valid yet', {
        fields: { 'X-Amz-Date': time.text, ServerTime: new Date(nowMs).toISOString() },
      });
    }
    const expiresMs = time.ms + expiresSeconds * 1000;
    if (nowMs > expiresMs) {
      throw new S3Error('AccessDenied', 'Request has expired', {
        fields: {
          'X-Amz-Expires': String(expiresSeconds),
          Expires: new Date(expiresMs).toISOString(),
          ServerTime: new Date(nowMs).toISOString(),
        },
      });
    }
    return;
  }
  if (Math.abs(time.ms - nowMs) > CLOCK_SKEW_MS_MAX) {
    throw new S3Error('RequestTimeTooSkewed', undefined, {
      fields: {
        RequestTime: time.text,
        ServerTime: new Date(nowMs).toISOString(),
        MaxAllowedSkewMilliseconds: String(CLOCK_SKEW_MS_MAX),
      },
    });
  }
}

/** A header that steers the request and that the signature does not cover could be anybody's. */
function checkEveryHeaderSigned(headers: HeaderMap, signedHeaders: ReadonlySet<string>): void {
  const unsigned: string[] = [];
  for (const name of headers.keys()) {
    if ((name === 'host' || name.startsWith('x-amz-')) && !signedHeaders.has(name)) unsigned.push(name);
  }
  // A client that names no host would have its request replayed to any bucket's host name.
  if (!signedHeaders.has('host') && !unsigned.includes('host')) unsigned.push('host');
  if (unsigned.length === 0) return;
  throw new S3Error('AccessDenied', 'There were headers present in the request which were not signed', {
    fields: { HeadersNotSigned: unsigned.join(', ') },
  });
}

function checkSignature(head: RequestHead, claim: SignatureClaim, signingKey: Buffer): void {
  const { terms, payloadHash, signature, time } = claim;
  const { accessKeyId, scope } = terms.scope;
  const canonical = canonicalRequest({ head, signedHeaders: terms.signedHeaders, payloadHash });
  const canonicalHash = sha256OfLatin1(canonical);
  const stringToSign = `AWS4-HMAC-SHA256\n${time.text}\n${scope}\n${canonicalHash}`;
  const expected = sign(signingKey, stringToSign);
  if (sameSignature(expected, signature)) return;
  throw new S3Error('SignatureDoesNotMatch', undefined, {
    fields: {
      AWSAccessKeyId: accessKeyId,
      StringToSign: stringToSign,
      SignatureProvided: signature,
      CanonicalRequest: canonical,
    },
  });
}

/** Larger than any canonical request but one of a path that is all escapes. */
const hashedBytes = Buffer.alloc(16 << 10);

function sha256OfLatin1(text: string): string {
  const bytes =
    text.length <= hashedBytes.length
      ? hashedBytes.subarray(0, hashedBytes.write(text, 'latin1'))
      : Buffer.from(text, 'latin1');
  return hash('sha256', bytes, 'hex');
}

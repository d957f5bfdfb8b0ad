/**
 * Who sent a request: Signature Version 4 as S3 speaks it, by header or by presigned URL.
 * @source S3 API Reference, "Authenticating Requests (AWS Signature Version 4)"
 */
import type { Payload } from './payload.ts';
import type { RequestHead } from './request.ts';

/** What a look-up must give; callers add what they want to find again in {@link Authentication} (account, user). */
export interface Credential {
  readonly secretAccessKey: string;
}

/** Finds an access key. `undefined` when there is none, or when it is disabled. */
export type CredentialLookup<C extends Credential> = (
  accessKeyId: string,
) => C | undefined | Promise<C | undefined>;

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

export type Verifier<C extends Credential> = (head: RequestHead) => Promise<Authentication<C>>;

/**
 * Builds a verifier with a signing-key cache of its own.
 *
 * The verifier rejects with S3Error: AccessDenied (no date, unsigned `host` or `x-amz-*` header, expired or not yet
 * valid URL) · AuthorizationHeaderMalformed · AuthorizationQueryParametersError · InvalidAccessKeyId · InvalidArgument
 * (header and query authentication together, unknown scheme, bad `x-amz-content-sha256`) · InvalidRequest (SigV2,
 * missing `x-amz-content-sha256`) · InvalidToken · InvalidURI · RequestTimeTooSkewed · SignatureDoesNotMatch.
 */
export function createVerifier<C extends Credential>(_options: VerifierOptions<C>): Verifier<C> {
  throw new Error('unwritten');
}

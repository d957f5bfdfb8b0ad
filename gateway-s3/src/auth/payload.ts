/**
 * How a request says its body is protected: the value of `x-amz-content-sha256`.
 * @source S3 API Reference, "Authenticating Requests: Using the Authorization Header"
 */
import { S3Error } from '../errors.ts';

/** What is needed to check the signatures of an aws-chunked body: each covers the one before. */
export interface ChunkSigning {
  /** Lower-case hex of the request's own signature. */
  readonly seedSignature: string;
  /** The 32-byte SigV4 signing key of the scope. */
  readonly signingKey: Buffer;
  /** `YYYYMMDD/region/s3/aws4_request`. */
  readonly scope: string;
  /** The request's time as signed: `YYYYMMDDTHHMMSSZ`. */
  readonly timestamp: string;
}

export type Payload =
  /** `UNSIGNED-PAYLOAD`, or nothing said (anonymous and presigned requests). */
  | { readonly kind: 'unsigned' }
  /** The SHA-256 of the whole body, 64 lower-case hex digits. */
  | { readonly kind: 'signed'; readonly sha256Hex: string }
  /** `STREAMING-AWS4-HMAC-SHA256-PAYLOAD` */
  | { readonly kind: 'streaming-signed'; readonly signing: ChunkSigning }
  /** `STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER` */
  | { readonly kind: 'streaming-signed-trailer'; readonly signing: ChunkSigning }
  /** `STREAMING-UNSIGNED-PAYLOAD-TRAILER` */
  | { readonly kind: 'streaming-unsigned-trailer' };

/** What `x-amz-content-sha256` says by itself, before a signature is known. */
export type DeclaredPayload =
  | Exclude<Payload, { readonly signing: ChunkSigning }>
  | { readonly kind: 'streaming-signed' }
  | { readonly kind: 'streaming-signed-trailer' };

const SHA256_HEX = /^[0-9a-fA-F]{64}$/;

/** @throws S3Error InvalidArgument | NotImplemented (SigV4A) */
export function parseDeclaredPayload(value: string): DeclaredPayload {
  switch (value) {
    case 'UNSIGNED-PAYLOAD':
      return { kind: 'unsigned' };
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD':
      return { kind: 'streaming-signed' };
    case 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER':
      return { kind: 'streaming-signed-trailer' };
    case 'STREAMING-UNSIGNED-PAYLOAD-TRAILER':
      return { kind: 'streaming-unsigned-trailer' };
    case 'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD':
    case 'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER':
      throw new S3Error(
        'NotImplemented',
        'Asymmetric signatures (SigV4A) are not supported; use AWS4-HMAC-SHA256.',
      );
  }
  if (SHA256_HEX.test(value)) return { kind: 'signed', sha256Hex: value.toLowerCase() };
  throw new S3Error(
    'InvalidArgument',
    'x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, ' +
      'STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid sha256 value.',
    { fields: { ArgumentName: 'x-amz-content-sha256', ArgumentValue: value } },
  );
}

/** Joins what was declared with what the verified signature adds to it. */
export function sealPayload(declared: DeclaredPayload, signing: ChunkSigning): Payload {
  switch (declared.kind) {
    case 'streaming-signed':
      return { kind: 'streaming-signed', signing };
    case 'streaming-signed-trailer':
      return { kind: 'streaming-signed-trailer', signing };
    default:
      return declared;
  }
}

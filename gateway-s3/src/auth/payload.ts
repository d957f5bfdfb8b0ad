/**
 * How a request says its body is protected: the value of `x-amz-content-sha256`.
 * @source S3 API Reference, "Authenticating Requests (AWS Signature Version 4)"
 */

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

/** Builds aws-chunked bodies, well-formed or not, as a client would. */
import { createHash, createHmac } from 'node:crypto';
import type { ChunkSigning, Payload } from '../../src/auth/payload.ts';
import { deriveSigningKey } from '../../src/auth/signingKeys.ts';

export type ChunkedKind = 'streaming-signed' | 'streaming-signed-trailer' | 'streaming-unsigned-trailer';

/** The example credentials and seed of the S3 API Reference. */
export const signing: ChunkSigning = {
  seedSignature: '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
  signingKey: deriveSigningKey({
    secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    date: '20130524',
    region: 'us-east-1',
  }),
  scope: '20130524/us-east-1/s3/aws4_request',
  timestamp: '20130524T000000Z',
};

export function payloadOf(kind: ChunkedKind): Payload {
  return kind === 'streaming-unsigned-trailer' ? { kind } : { kind, signing };
}

export interface EncodeOptions {
  readonly kind: ChunkedKind;
  readonly chunks: readonly Buffer[];
  readonly trailers?: readonly (readonly [string, string])[];
}

export function encode({ kind, chunks, trailers = [] }: EncodeOptions): Buffer {
  const out: Buffer[] = [];
  let previous = signing.seedSignature;
  const sign = (algorithm: string, ...lines: readonly string[]): string => {
    const text = [algorithm, signing.timestamp, signing.scope, previous, ...lines].join('\n');
    previous = createHmac('sha256', signing.signingKey).update(text).digest('hex');
    return previous;
  };
  for (const chunk of [...chunks, Buffer.alloc(0)]) {
    const size = chunk.length.toString(16);
    const header =
      kind === 'streaming-unsigned-trailer'
        ? size
        : `${size};chunk-signature=${sign('AWS4-HMAC-SHA256-PAYLOAD', sha256Hex(''), sha256Hex(chunk))}`;
    out.push(Buffer.from(`${header}\r\n`), chunk);
    if (chunk.length > 0) out.push(Buffer.from('\r\n'));
  }
  for (const [name, value] of trailers) out.push(Buffer.from(`${name}:${value}\r\n`));
  if (kind === 'streaming-signed-trailer') {
    const canonical = trailers.map(([name, value]) => `${name}:${value}\n`).join('');
    const signature = sign('AWS4-HMAC-SHA256-TRAILER', sha256Hex(canonical));
    out.push(Buffer.from(`x-amz-trailer-signature:${signature}\r\n`));
  }
  out.push(Buffer.from('\r\n'));
  return Buffer.concat(out);
}

function sha256Hex(bytes: Buffer | string): string {
  return createHash('sha256').update(bytes).digest('hex');
}

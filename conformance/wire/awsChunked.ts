/** The aws-chunked encoding of a body, with room for each of its elements to be wrong. */
import { type Ask, type SignedRequest, type Signing, signByHeader } from './request.ts';
import { type ChunkSigning, chunkSignature, type HeaderLine, trailerSignature } from './sigv4.ts';

export type StreamingKind = 'signed' | 'signed-trailer' | 'unsigned-trailer';

const PAYLOADS: Readonly<Record<StreamingKind, string>> = {
  signed: 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
  'signed-trailer': 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
  'unsigned-trailer': 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
};

export interface Trailer {
  readonly name: string;
  readonly value: string;
}

export interface Streaming {
  readonly kind: StreamingKind;
  /** Data chunks in order; the closing empty one is added. */
  readonly chunks: readonly Buffer[];
  /** Text of `x-amz-decoded-content-length`; default the chunks' length, `null` leaves it out. */
  readonly decodedLength?: string | null;
  /** Value of `x-amz-trailer`; default the trailers' names. */
  readonly declared?: string;
  readonly trailers?: readonly Trailer[];
  /** Adds, drops or changes a piece: chunk headers, data, trailer lines, in the order they are sent. */
  readonly change?: (pieces: string[], signing: ChunkSigning) => void;
}

/** A PUT whose body is aws-chunked. `pieces` hold one byte a character: `size…CRLF`, `data CRLF`, …, trailers, `CRLF`. */
export function streamingRequest(
  ask: Omit<Ask, 'body'>,
  { kind, chunks, decodedLength, declared, trailers = [], change }: Streaming,
  signing: Signing,
): SignedRequest {
  const announced = declared ?? trailers.map(({ name }) => name).join(',');
  const dataBytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const headers: HeaderLine[] = [...(ask.headers ?? []), ['Content-Encoding', 'aws-chunked']];
  if (decodedLength !== null)
    headers.push(['x-amz-decoded-content-length', decodedLength ?? String(dataBytes)]);
  if (announced !== '') headers.push(['x-amz-trailer', announced]);
  const request = signByHeader({ ...ask, headers }, { ...signing, payload: PAYLOADS[kind] });
  const pieces = encode({ kind, chunks, trailers }, request.seed);
  change?.(pieces, request.seed);
  return { ...request, body: Buffer.from(pieces.join(''), 'latin1') };
}

function encode(
  { kind, chunks, trailers }: Pick<Streaming, 'kind' | 'chunks'> & { readonly trailers: readonly Trailer[] },
  seed: SignedRequest['seed'],
): string[] {
  const pieces: string[] = [];
  let previous = seed.signature;
  for (const chunk of [...chunks, Buffer.alloc(0)]) {
    const size = chunk.length.toString(16);
    if (kind === 'unsigned-trailer') {
      pieces.push(`${size}\r\n`);
    } else {
      previous = chunkSignature(seed, previous, chunk);
      pieces.push(`${size};chunk-signature=${previous}\r\n`);
    }
    if (chunk.length > 0) pieces.push(`${chunk.toString('latin1')}\r\n`);
  }
  const lines = trailers.map(({ name, value }) => `${name}:${value}\n`).sort();
  for (const line of lines) pieces.push(line.replace('\n', '\r\n'));
  if (kind === 'signed-trailer') {
    pieces.push(`x-amz-trailer-signature:${trailerSignature(seed, previous, lines.join(''))}\r\n`);
  }
  pieces.push('\r\n');
  return pieces;
}

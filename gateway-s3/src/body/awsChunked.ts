/**
 * The aws-chunked encoding: `size[;chunk-signature=…] CRLF data CRLF` …, a chunk of size 0, trailers, CRLF.
 *
 * Everything about the framing is bounded before memory is taken for it: a chunk may not be larger than what is left
 * of the announced decoded length, header and trailer lines have a length limit, and data is never held.
 *
 * @source S3 API Reference, "Transferring Payload in Multiple Chunks" and "Including Trailing Headers"
 */
import { createHash, type Hash } from 'node:crypto';
import type { Payload } from '../auth/payload.ts';
import { S3Error } from '../errors.ts';
import { ChunkSignatures } from './chunkSignatures.ts';
import { CrlfLines } from './crlfLines.ts';
import type { BodyDecoder, TrailerMap } from './decoder.ts';
import { badFraming, bodyTooLong, bodyTooShort } from './incomplete.ts';
import { TrailerSection } from './trailers.ts';

/** Every chunk that another data chunk follows has at least this many bytes: S3's rule. */
const CHUNK_BYTES_MIN = 8192;
/** `size;chunk-signature=<64 hex>` needs 93 with a size of 12 digits. */
const CHUNK_HEADER_BYTES_MAX = 128;

export interface AwsChunkedOptions {
  readonly payload: Extract<
    Payload,
    { readonly kind: 'streaming-signed' | 'streaming-signed-trailer' | 'streaming-unsigned-trailer' }
  >;
  /** Bytes on the wire; `undefined` with `Transfer-Encoding: chunked`. */
  readonly contentLength: number | undefined;
  /** Object bytes, exactly. */
  readonly decodedContentLength: number;
  readonly trailerNames: readonly string[];
}

type State =
  | { readonly at: 'header' }
  | { readonly at: 'data'; leftBytes: number; readonly hash: Hash | undefined; readonly signature: string }
  | { readonly at: 'dataEnd' }
  | { readonly at: 'trailers' }
  | { readonly at: 'done' };

export class AwsChunkedDecoder implements BodyDecoder {
  readonly #lines = new CrlfLines();
  readonly #signatures: ChunkSignatures | undefined;
  readonly #trailers: TrailerSection;
  #state: State = { at: 'header' };
  #chunks = 0;
  #lastChunkBytes = CHUNK_BYTES_MIN;
  /** What is left of the announced lengths, on the wire and decoded. */
  #wireLeftBytes: number;
  #dataLeftBytes: number;

  constructor({ payload, contentLength, decodedContentLength, trailerNames }: AwsChunkedOptions) {
    this.#signatures =
      payload.kind === 'streaming-unsigned-trailer' ? undefined : new ChunkSignatures(payload.signing);
    this.#trailers = new TrailerSection({ kind: payload.kind, trailerNames, signatures: this.#signatures });
    this.#wireLeftBytes = contentLength ?? Number.POSITIVE_INFINITY;
    this.#dataLeftBytes = decodedContentLength;
  }

  push(bytes: Buffer): readonly Buffer[] {
    // What lies within the announced length is judged first, so that the outcome does not depend on the split.
    const announced = bytes.length > this.#wireLeftBytes ? bytes.subarray(0, this.#wireLeftBytes) : bytes;
    const pieces: Buffer[] = [];
    for (let at = 0; at < announced.length; ) at = this.#step(announced, at, pieces);
    if (announced.length < bytes.length) throw bodyTooLong();
    this.#wireLeftBytes -= bytes.length;
    return pieces;
  }

  end(): TrailerMap {
    if (this.#state.at !== 'done') throw bodyTooShort();
    if (this.#wireLeftBytes !== 0 && Number.isFinite(this.#wireLeftBytes)) throw bodyTooShort();
    return this.#trailers.values;
  }

  /** Takes one element of the framing; returns where the next begins. */
  #step(bytes: Buffer, at: number, pieces: Buffer[]): number {
    switch (this.#state.at) {
      case 'header':
        return this.#readLine(bytes, at, CHUNK_HEADER_BYTES_MAX, (line) => this.#openChunk(line));
      case 'data':
        return this.#readData(this.#state, bytes, at, pieces);
      case 'dataEnd':
        return this.#readLine(bytes, at, 0, () => {
          this.#state = { at: 'header' };
        });
      case 'trailers':
        return this.#readLine(bytes, at, this.#trailers.leftBytes, (line) => {
          if (line !== '') return this.#trailers.add(line);
          this.#trailers.close();
          this.#state = { at: 'done' };
        });
      case 'done':
        throw badFraming('bytes follow its end');
    }
  }

  #readLine(bytes: Buffer, at: number, lineBytesMax: number, take: (line: string) => void): number {
    const { line, next } = this.#lines.read(bytes, at, { lineBytesMax, tooLong: lineTooLong });
    if (line !== undefined) take(line);
    return next;
  }

  #openChunk(line: string): void {
    const { sizeBytes, signature } = parseChunkHeader(line, this.#signatures !== undefined);
    if (sizeBytes > this.#dataLeftBytes) throw bodyTooLong();
    if (sizeBytes === 0) {
      if (this.#dataLeftBytes > 0) throw bodyTooShort();
      this.#signatures?.checkChunk(createHash('sha256').digest('hex'), signature);
      this.#state = { at: 'trailers' };
      return;
    }
    if (this.#lastChunkBytes < CHUNK_BYTES_MIN) {
      throw new S3Error('InvalidChunkSizeError', undefined, {
        fields: { Chunk: String(this.#chunks), BadChunkSize: String(this.#lastChunkBytes) },
      });
    }
    this.#chunks += 1;
    this.#lastChunkBytes = sizeBytes;
    this.#dataLeftBytes -= sizeBytes;
    const hash = this.#signatures === undefined ? undefined : createHash('sha256');
    this.#state = { at: 'data', leftBytes: sizeBytes, hash, signature };
  }

  #readData(state: State & { at: 'data' }, bytes: Buffer, at: number, pieces: Buffer[]): number {
    const piece = bytes.subarray(at, at + state.leftBytes);
    state.hash?.update(piece);
    pieces.push(piece);
    state.leftBytes -= piece.length;
    if (state.leftBytes === 0) {
      if (state.hash !== undefined) this.#signatures?.checkChunk(state.hash.digest('hex'), state.signature);
      this.#state = { at: 'dataEnd' };
    }
    return at + piece.length;
  }
}

// 13 hex digits are below 2^53; no announced length reaches that.
const UNSIGNED_HEADER = /^([0-9a-fA-F]{1,13})$/;
const SIGNED_HEADER = /^([0-9a-fA-F]{1,13});chunk-signature=([0-9a-f]{64})$/;

function parseChunkHeader(line: string, signed: boolean): { sizeBytes: number; signature: string } {
  const match = (signed ? SIGNED_HEADER : UNSIGNED_HEADER).exec(line);
  if (match === null) throw badFraming('a chunk header cannot be read');
  return { sizeBytes: Number.parseInt(match[1] ?? '', 16), signature: match[2] ?? '' };
}

function lineTooLong(): S3Error {
  return badFraming('a line of its framing is too long');
}

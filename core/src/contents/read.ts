/** Bytes from pieces: checked, in bounded buffers, at the reader's pace. */

import { Buffer } from 'node:buffer';
import {
  ExtentError,
  type ExtentSlice,
  type ExtentStore,
  type Location,
  READ_BYTES_MAX,
} from '@facet/extents';
import { FsError } from '../errors.ts';
import type { Piece, Span } from './plan.ts';
import { type Scratch, type ScratchPiece, SMALL_PIECE_BYTES } from './scratch.ts';

const HOLE_BYTES = 256 * 1024;
const ZEROES = Buffer.alloc(HOLE_BYTES);

/** Pieces from extents end where a multiple of their size does, so that frames are not cut more than once. */
const FRESH_PIECE_BYTES = READ_BYTES_MAX;

export interface ReadServices {
  readonly extents: ExtentStore;
  /** Given: a piece is only good until the next is asked for. */
  readonly scratch?: Scratch;
}

/** The bytes of `span` of a planned body. Buffers handed out are not to be written to. */
export function readPieces(
  services: ReadServices,
  pieces: readonly Piece[],
  span: Span,
): AsyncGenerator<Buffer, undefined, undefined> {
  const [only] = pieces;
  if (pieces.length !== 1 || !only) return readEach(services, pieces, span);
  // Most objects are one piece, and most are small: nothing of a generator's between the disk and the socket.
  if (only.kind !== 'extent' || span.lengthBytes > SMALL_PIECE_BYTES) return readPiece(services, only, span);
  const slice = { location: only.location, start: only.start + span.start, length: span.lengthBytes };
  return new SingleRead(services, slice);
}

/**
 * The bytes of `span`, if they are one small piece and to be had without waiting. They are good until anything else is
 * read.
 * @throws FsError Corrupt | Failed | Closed
 */
export function readAtOnce(
  { extents, scratch }: Required<ReadServices>,
  pieces: readonly Piece[],
  span: Span,
): Buffer | undefined {
  const [only] = pieces;
  if (pieces.length !== 1 || span.lengthBytes > SMALL_PIECE_BYTES) return undefined;
  if (only?.kind === 'bytes') return bytesOf(only, span);
  if (only?.kind !== 'extent') return undefined;
  const { location, start } = only;
  const reused = scratch.takeSmall();
  try {
    const into = reused.memory;
    return extents.readAtOnce({ location, start: start + span.start, length: span.lengthBytes, into });
  } catch (error) {
    throw fromExtents(error);
  } finally {
    scratch.give(reused);
  }
}

const DONE = { done: true, value: undefined } as const;

/** One read, when it is asked for. As with a generator, nothing is under way any more once it has ended. */
class SingleRead implements AsyncGenerator<Buffer, undefined, undefined> {
  readonly #services: ReadServices;
  #slice: ExtentSlice | undefined;
  #reused: ScratchPiece | undefined;
  #underWay: Promise<Buffer> | undefined;

  constructor(services: ReadServices, slice: ExtentSlice) {
    this.#services = services;
    this.#slice = slice;
  }

  /** @throws FsError Corrupt | Failed | Closed */
  async next(): Promise<IteratorResult<Buffer, undefined>> {
    const slice = this.#slice;
    if (!slice) return this.return();
    this.#slice = undefined;
    const { extents, scratch } = this.#services;
    this.#reused = scratch?.takeSmall();
    const { location, start, length } = slice;
    const into = this.#reused?.memory;
    try {
      this.#underWay = extents.read(into ? { location, start, length, into } : slice);
      return { done: false, value: await this.#underWay };
    } catch (error) {
      this.#giveBack();
      throw fromExtents(error);
    } finally {
      this.#underWay = undefined;
    }
  }

  async return(): Promise<IteratorReturnResult<undefined>> {
    this.#slice = undefined;
    // Whoever asked for the piece is told of its failure.
    if (this.#underWay) await this.#underWay.catch(() => undefined);
    this.#giveBack();
    return DONE;
  }

  #giveBack(): void {
    if (this.#reused) this.#services.scratch?.give(this.#reused);
    this.#reused = undefined;
  }

  async throw(error: unknown): Promise<never> {
    await this.return();
    throw error;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }
}

async function* readEach(
  services: ReadServices,
  pieces: readonly Piece[],
  span: Span,
): AsyncGenerator<Buffer, undefined, undefined> {
  let skip = span.start;
  let left = span.lengthBytes;
  for (const piece of pieces) {
    if (left === 0) return;
    if (skip >= piece.lengthBytes) {
      skip -= piece.lengthBytes;
      continue;
    }
    const lengthBytes = Math.min(piece.lengthBytes - skip, left);
    yield* readPiece(services, piece, { start: skip, lengthBytes });
    left -= lengthBytes;
    skip = 0;
  }
}

function bytesOf({ bytes }: { readonly bytes: Uint8Array }, { start, lengthBytes }: Span): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, lengthBytes);
}

async function* readPiece(
  services: ReadServices,
  piece: Piece,
  span: Span,
): AsyncGenerator<Buffer, undefined, undefined> {
  const { start, lengthBytes } = span;
  switch (piece.kind) {
    case 'bytes':
      yield bytesOf(piece, span);
      return;
    case 'hole':
      for (let left = lengthBytes; left > 0; left -= HOLE_BYTES)
        yield ZEROES.subarray(0, Math.min(HOLE_BYTES, left));
      return;
    case 'extent':
      yield* readExtent(services, piece.location, { start: piece.start + start, lengthBytes });
  }
}

/** @throws FsError Corrupt | Failed | Closed */
async function* readExtent(
  { extents, scratch }: ReadServices,
  location: Location,
  span: Span,
): AsyncGenerator<Buffer, undefined, undefined> {
  const end = span.start + span.lengthBytes;
  // What fits one small piece is read as it is: nothing is gained by its memory being used again.
  const reused = span.lengthBytes > SMALL_PIECE_BYTES ? scratch?.take() : undefined;
  const into = reused?.memory;
  const pieceBytes = reused?.lengthBytes ?? FRESH_PIECE_BYTES;
  try {
    for (let start = span.start; start < end; ) {
      const length = Math.min(pieceBytes - (start % pieceBytes), end - start);
      yield await extents.read(into ? { location, start, length, into } : { location, start, length });
      start += length;
    }
  } catch (error) {
    throw fromExtents(error);
  } finally {
    if (reused) scratch?.give(reused);
  }
}

/**
 * All bytes of all pieces, as far as `into` goes in that. Buffers handed out are not to be written to.
 * @throws FsError Corrupt | Failed | Closed
 */
export async function readAll(
  extents: ExtentStore,
  pieces: readonly Piece[],
  into?: Buffer,
): Promise<readonly Buffer[]> {
  const data: Buffer[] = [];
  let free = into;
  for (const piece of pieces) {
    if (piece.kind === 'bytes') {
      data.push(Buffer.from(piece.bytes.buffer, piece.bytes.byteOffset, piece.lengthBytes));
    } else if (piece.kind === 'hole') {
      for (let left = piece.lengthBytes; left > 0; left -= HOLE_BYTES)
        data.push(ZEROES.subarray(0, Math.min(HOLE_BYTES, left)));
    } else {
      const { location, start, lengthBytes } = piece;
      for (let done = 0; done < lengthBytes; ) {
        const length = Math.min(READ_BYTES_MAX, lengthBytes - done);
        const slice = { location, start: start + done, length };
        const bytes = await readChecked(extents, free ? { ...slice, into: free } : slice);
        data.push(bytes);
        done += length;
        free = free && after(bytes, free);
      }
    }
  }
  return data;
}

/** @throws FsError Corrupt | Failed | Closed */
async function readChecked(extents: ExtentStore, slice: ExtentSlice): Promise<Buffer> {
  try {
    return await extents.read(slice);
  } catch (error) {
    throw fromExtents(error);
  }
}

/** What of `memory` comes after bytes that may lie in it. */
function after(bytes: Buffer, memory: Buffer): Buffer {
  if (bytes.buffer !== memory.buffer) return memory;
  return memory.subarray(bytes.byteOffset + bytes.length - memory.byteOffset);
}

/** What an extent store's error means to the core's callers; anything else passes unchanged. */
export function fromExtents(error: unknown): unknown {
  if (!(error instanceof ExtentError)) return error;
  switch (error.code) {
    case 'Full':
      return new FsError('NoSpace', error.message, { cause: error });
    case 'Corrupt':
    case 'Missing':
      return new FsError('Corrupt', error.message, { cause: error });
    case 'Failed':
      // No device failed: what gave it containers did, which may be another process.
      if (error.cause instanceof FsError) return error.cause;
      return new FsError('Failed', error.message, { cause: error });
    case 'Closed':
      return new FsError('Closed', error.message, { cause: error });
  }
}

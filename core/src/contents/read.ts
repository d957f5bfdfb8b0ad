/** Bytes from pieces: checked, in bounded buffers, at the reader's pace. */

import { ExtentError, type ExtentStore, READ_BYTES_MAX } from '@facet/extents';
import { FsError } from '../errors.ts';
import type { Piece, Span } from './plan.ts';

const HOLE_BYTES = 256 * 1024;
const ZEROES = Buffer.alloc(HOLE_BYTES);

/** Reads from an extent go up to its next boundary of this many bytes, where its frames end. */
const STEP_BYTES = READ_BYTES_MAX;

/** The bytes of `span` of a planned body. Buffers handed out may be shared: they are not to be written to. */
export function readPieces(
  extents: ExtentStore,
  pieces: readonly Piece[],
  span: Span,
): AsyncGenerator<Buffer, undefined, undefined> {
  const [only] = pieces;
  // Most objects are one piece: a generator less between the disk and the socket.
  return pieces.length === 1 && only ? readPiece(extents, only, span) : readEach(extents, pieces, span);
}

async function* readEach(
  extents: ExtentStore,
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
    yield* readPiece(extents, piece, { start: skip, lengthBytes });
    left -= lengthBytes;
    skip = 0;
  }
}

async function* readPiece(
  extents: ExtentStore,
  piece: Piece,
  span: Span,
): AsyncGenerator<Buffer, undefined, undefined> {
  if (piece.kind === 'bytes') {
    const { buffer, byteOffset } = piece.bytes;
    yield Buffer.from(buffer, byteOffset + span.start, span.lengthBytes);
    return;
  }
  const end = span.start + span.lengthBytes;
  let at = span.start;
  while (at < end) {
    if (piece.kind === 'hole') {
      const length = Math.min(HOLE_BYTES, end - at);
      yield ZEROES.subarray(0, length);
      at += length;
    } else {
      const start = piece.start + at;
      const length = Math.min(STEP_BYTES - (start % STEP_BYTES), end - at);
      yield await readExtent(extents, { location: piece.location, start, length });
      at += length;
    }
  }
}

/** One checked read. @throws FsError Corrupt | Failed | Closed */
async function readExtent(extents: ExtentStore, slice: Parameters<ExtentStore['read']>[0]): Promise<Buffer> {
  try {
    return await extents.read(slice);
  } catch (error) {
    throw fromExtents(error);
  }
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
      return new FsError('Failed', error.message, { cause: error });
    case 'Closed':
      return new FsError('Closed', error.message, { cause: error });
  }
}

/** Reads slices of extents and checks every block it touches. */

import { Buffer } from 'node:buffer';
import { containerName } from './containerName.ts';
import { ExtentError, type ExtentSlice, type Location } from './contract.ts';
import { allDone, type DiskFile } from './disk.ts';
import { BLOCK_BYTES, damagedBlock, decodeHeader, FRAME_DATA_BYTES, headerLength } from './frame.ts';

/** A slice, and of which content its extent, which is one frame, is to be the beginning, where that is asked. */
export interface WantedSlice extends ExtentSlice {
  readonly contentId?: number;
}

/** The blocks of one frame that a slice touches, and where they go. */
interface FramePart {
  /** Physical offset of the frame's header. */
  readonly offset: number;
  /** Data bytes in the whole frame. */
  readonly dataLength: number;
  readonly firstBlock: number;
  readonly header: Buffer;
  readonly blocks: Buffer;
}

/**
 * The slice, if it lies in one frame and is to be had without waiting: its header and its blocks are one run of bytes,
 * or two where it does not begin in the first block. Undefined where {@link readSlice} must do it.
 *
 * @throws ExtentError Corrupt
 */
export function readSliceAtOnce(file: DiskFile, slice: WantedSlice): Buffer | undefined {
  const { location, start, length, into } = slice;
  const headerBytes = headerLength(location.length);
  const frame = Math.floor(start / FRAME_DATA_BYTES);
  const dataStart = frame * FRAME_DATA_BYTES;
  const dataLength = Math.min(FRAME_DATA_BYTES, location.length - dataStart);
  const from = start - dataStart;
  const end = from + length;
  if (end > dataLength) return undefined;
  const firstBlock = Math.floor(from / BLOCK_BYTES);
  const blocksStart = firstBlock * BLOCK_BYTES;
  const blocksEnd = Math.min(dataLength, Math.ceil(end / BLOCK_BYTES) * BLOCK_BYTES);
  const offset = location.offset + frame * (headerBytes + FRAME_DATA_BYTES);
  const buffer = memoryFor(headerBytes + blocksEnd - blocksStart, into);
  const header = buffer.subarray(0, headerBytes);
  const blocks = buffer.subarray(headerBytes);
  if (firstBlock === 0) {
    if (!fillAtOnce(file, offset, buffer)) return undefined;
  } else if (
    !fillAtOnce(file, offset + headerBytes + blocksStart, blocks) ||
    !fillAtOnce(file, offset, header)
  ) {
    return undefined;
  }
  checkPart(slice, { offset, dataLength, firstBlock, header, blocks });
  return blocks.subarray(from - blocksStart, end - blocksStart);
}

function fillAtOnce(file: DiskFile, position: number, buffer: Buffer): boolean {
  return file.readAtOnce({ position, buffer }) === buffer.length;
}

function memoryFor(lengthBytes: number, into: Buffer | undefined): Buffer {
  return into && into.length >= lengthBytes ? into.subarray(0, lengthBytes) : Buffer.allocUnsafe(lengthBytes);
}

/**
 * All frames' headers and then all their blocks go to one buffer, so that the blocks join up there, the result
 * is a view of it and nothing is copied.
 *
 * @throws ExtentError Corrupt | Missing, and whatever the disk throws
 */
export async function readSlice(file: DiskFile, slice: WantedSlice): Promise<Buffer> {
  const { location, start, length, into } = slice;
  const headerBytes = headerLength(location.length);
  const firstFrame = Math.floor(start / FRAME_DATA_BYTES);
  const frames = Math.floor((start + length - 1) / FRAME_DATA_BYTES) - firstFrame + 1;
  const blocksStart = Math.floor(start / BLOCK_BYTES) * BLOCK_BYTES;
  const blocksEnd = Math.min(location.length, Math.ceil((start + length) / BLOCK_BYTES) * BLOCK_BYTES);
  const wanted = frames * headerBytes + blocksEnd - blocksStart;
  const buffer = memoryFor(wanted, into);
  const data = buffer.subarray(frames * headerBytes);

  const parts: FramePart[] = [];
  for (let index = 0; index < frames; index++) {
    const frame = firstFrame + index;
    const dataStart = frame * FRAME_DATA_BYTES;
    const dataLength = Math.min(FRAME_DATA_BYTES, location.length - dataStart);
    const from = Math.max(dataStart, blocksStart);
    const to = Math.min(dataStart + dataLength, blocksEnd);
    parts.push({
      offset: location.offset + frame * (headerBytes + FRAME_DATA_BYTES),
      dataLength,
      firstBlock: (from - dataStart) / BLOCK_BYTES,
      header: buffer.subarray(index * headerBytes, (index + 1) * headerBytes),
      blocks: data.subarray(from - blocksStart, to - blocksStart),
    });
  }
  await fillParts(file, location, parts);
  for (const part of parts) checkPart(slice, part);
  return data.subarray(start - blocksStart, start - blocksStart + length);
}

/** One read, unless the first frame's header is apart from its blocks. */
async function fillParts(file: DiskFile, location: Location, parts: readonly FramePart[]): Promise<void> {
  const [first, ...others] = parts;
  if (!first) return;
  const blocksAndOthers = [first.blocks, ...others.flatMap((part) => [part.header, part.blocks])];
  if (first.firstBlock === 0) {
    await readWhole(file, location, { position: first.offset, buffers: [first.header, ...blocksAndOthers] });
    return;
  }
  const blocksAt = first.offset + first.header.length + first.firstBlock * BLOCK_BYTES;
  await allDone([
    readWhole(file, location, { position: first.offset, buffers: [first.header] }),
    readWhole(file, location, { position: blocksAt, buffers: blocksAndOthers }),
  ]);
}

async function readWhole(
  file: DiskFile,
  location: Location,
  from: { readonly position: number; readonly buffers: readonly Buffer[] },
): Promise<void> {
  const wanted = from.buffers.reduce((sum, buffer) => sum + buffer.length, 0);
  if ((await file.read(from)) === wanted) return;
  const place = `${wanted} bytes at ${from.position} of it are`;
  throw new ExtentError(
    'Missing',
    `container ${containerName(location.container)} ends before ${place} read`,
  );
}

function checkPart({ location, contentId }: WantedSlice, part: FramePart): void {
  const { offset } = part;
  const header = decodeHeader(part.header);
  if (!header) throw corrupt(location, offset, 'the header is damaged');
  if (
    header.store !== location.store ||
    header.container !== location.container ||
    header.offset !== offset
  ) {
    throw corrupt(location, offset, 'the header is that of another place');
  }
  const { owner } = header;
  if (contentId !== undefined && (owner.contentId !== contentId || owner.fileOffset !== 0))
    throw corrupt(
      location,
      offset,
      `it is of content ${owner.contentId}, from its byte ${owner.fileOffset} on`,
    );
  if (header.headerLength !== part.header.length || header.dataLength !== part.dataLength) {
    throw corrupt(location, offset, `the frame holds ${header.dataLength} bytes, not ${part.dataLength}`);
  }
  const damaged = damagedBlock(part.header, part.blocks, part.firstBlock);
  if (damaged !== undefined) throw corrupt(location, offset, `block ${damaged} does not match its checksum`);
}

function corrupt(location: Location, offset: number, what: string): ExtentError {
  return new ExtentError(
    'Corrupt',
    `container ${containerName(location.container)}, frame at ${offset}: ${what}`,
  );
}

/** Reads slices of extents and checks every block it touches. */

import { ExtentError, type Location } from './contract.ts';
import type { DiskFile } from './disk.ts';
import { BLOCK_BYTES, damagedBlock, decodeHeader, FRAME_DATA_BYTES, headerLength } from './frame.ts';

/** Up to so many unwanted bytes between a header and the blocks wanted are read along, to save a second read. */
const READ_ALONG_BYTES_MAX = 64 << 10;

export interface Slice {
  readonly location: Location;
  readonly start: number;
  readonly length: number;
}

/** @throws ExtentError Corrupt | Missing, and whatever the disk throws */
export async function readSlice(file: DiskFile, slice: Slice): Promise<Buffer> {
  const frame = Math.floor(slice.start / FRAME_DATA_BYTES);
  const inFirst = Math.min(slice.length, (frame + 1) * FRAME_DATA_BYTES - slice.start);
  if (inFirst === slice.length) return readFromFrame(file, slice);
  const { location, start, length } = slice;
  const parts = await Promise.all([
    readFromFrame(file, { location, start, length: inFirst }),
    readSlice(file, { location, start: start + inFirst, length: length - inFirst }),
  ]);
  return Buffer.concat(parts, length);
}

/** Reads a slice that lies within one frame. */
async function readFromFrame(file: DiskFile, { location, start, length }: Slice): Promise<Buffer> {
  const frame = Math.floor(start / FRAME_DATA_BYTES);
  const headerBytes = headerLength(location.length);
  const offset = location.offset + frame * (headerBytes + FRAME_DATA_BYTES);
  const dataLength = Math.min(FRAME_DATA_BYTES, location.length - frame * FRAME_DATA_BYTES);
  const from = start - frame * FRAME_DATA_BYTES;
  const firstBlock = Math.floor(from / BLOCK_BYTES);
  const blocksStart = firstBlock * BLOCK_BYTES;
  const blocksEnd = Math.min(dataLength, Math.ceil((from + length) / BLOCK_BYTES) * BLOCK_BYTES);
  let header: Buffer;
  let blocks: Buffer;
  if (blocksStart <= READ_ALONG_BYTES_MAX) {
    const bytes = await readWhole(file, { location, position: offset, length: headerBytes + blocksEnd });
    header = bytes.subarray(0, headerBytes);
    blocks = bytes.subarray(headerBytes + blocksStart);
  } else {
    [header, blocks] = await Promise.all([
      readWhole(file, { location, position: offset, length: headerBytes }),
      readWhole(file, {
        location,
        position: offset + headerBytes + blocksStart,
        length: blocksEnd - blocksStart,
      }),
    ]);
  }
  checkHeader(header, { location, offset, dataLength });
  const damaged = damagedBlock(header, blocks, firstBlock);
  if (damaged !== undefined) {
    throw corrupt(location, offset, `block ${damaged} does not match its checksum`);
  }
  return blocks.subarray(from - blocksStart, from - blocksStart + length);
}

async function readWhole(
  file: DiskFile,
  from: { readonly location: Location; readonly position: number; readonly length: number },
): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(from.length);
  const count = await file.read({ position: from.position, buffer });
  if (count === from.length) return buffer;
  const { container } = from.location;
  const wanted = `${from.length} bytes at ${from.position}`;
  throw new ExtentError('Missing', `container ${container} ends before ${wanted} of it are read`);
}

function checkHeader(
  bytes: Buffer,
  expected: { readonly location: Location; readonly offset: number; readonly dataLength: number },
): void {
  const { location, offset, dataLength } = expected;
  const header = decodeHeader(bytes);
  if (!header) throw corrupt(location, offset, 'the header is damaged');
  if (
    header.store !== location.store ||
    header.container !== location.container ||
    header.offset !== offset
  ) {
    throw corrupt(location, offset, 'the header is that of another place');
  }
  if (header.headerLength !== bytes.length || header.dataLength !== dataLength) {
    throw corrupt(location, offset, `the frame holds ${header.dataLength} bytes, not ${dataLength}`);
  }
}

function corrupt(location: Location, offset: number, what: string): ExtentError {
  return new ExtentError('Corrupt', `container ${location.container}, frame at ${offset}: ${what}`);
}

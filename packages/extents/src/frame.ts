/**
 * The frame: the one record format of every container.
 *
 * An extent of length L is a run of frames, back to back. Every frame but the last carries exactly
 * {@link FRAME_DATA_BYTES}. All frames of one extent have the same header length, which follows from L alone,
 * so the physical place of any byte of an extent is arithmetic.
 *
 * Big-endian; lengths and offsets in bytes.
 *
 *   offset  size  field
 *        0     8  magic: 89 'FACET' 0d 0a
 *        8     2  version: 1
 *       10     2  header length: 64 or 188
 *       12     4  store id
 *       16     8  container id
 *       24     8  physical offset of this header in its container
 *       32     8  content id
 *       40     8  offset of the frame's first byte within the content
 *       48     4  data length: 1 to 1,048,576
 *       52     4  block size: 32,768
 *       56    4n  CRC-32C of each block of the data, the last block being as long as it is; unused entries are 0
 *    56+4n     4  CRC-32C of the header up to here
 *    60+4n        data
 *
 * n is 1 for an extent of at most one block and 32 for any longer one. It does not shrink for a short last
 * frame, because a writer that streams must place that frame's data before it knows that it is the last.
 *
 * Container and offset are in the header so that no copy of a frame, by a misdirected write or inside a
 * client's own bytes, passes for a frame of the place where it lies.
 */

import { crc32c } from '@facet/journal';
import type { ContainerId, ExtentOwner, Location } from './contract.ts';

export const FRAME_DATA_BYTES = 1 << 20;
export const BLOCK_BYTES = 32 << 10;
export const FRAME_MAGIC: Uint8Array = Uint8Array.of(0x89, 0x46, 0x41, 0x43, 0x45, 0x54, 0x0d, 0x0a);

const VERSION = 1;
const TABLE_AT = 56;
const CRC_BYTES = 4;
const LONG_TABLE_ENTRIES = FRAME_DATA_BYTES / BLOCK_BYTES;
const SHORT_HEADER_BYTES = TABLE_AT + 2 * CRC_BYTES;
const LONG_HEADER_BYTES = TABLE_AT + (LONG_TABLE_ENTRIES + 1) * CRC_BYTES;
export const HEADER_BYTES_MAX = LONG_HEADER_BYTES;
const TWO_TO_32 = 2 ** 32;

/** What a frame header says, checksums apart. */
export interface FrameHeader {
  readonly store: number;
  readonly container: ContainerId;
  /** Physical offset of the header in its container. */
  readonly offset: number;
  readonly owner: ExtentOwner;
  readonly headerLength: number;
  readonly dataLength: number;
}

/** Length of each frame header of an extent of `extentLength` bytes. */
export function headerLength(extentLength: number): number {
  return extentLength <= BLOCK_BYTES ? SHORT_HEADER_BYTES : LONG_HEADER_BYTES;
}

/** Bytes that an extent takes in its container, headers counted. */
export function physicalLength(extent: Pick<Location, 'length'>): number {
  return extent.length + Math.ceil(extent.length / FRAME_DATA_BYTES) * headerLength(extent.length);
}

/** The CRC-32C of each block of one frame's data, taken as the data comes. */
export class BlockChecksums {
  readonly #table = new Uint32Array(LONG_TABLE_ENTRIES);
  #length = 0;

  /** Data taken so far. */
  get length(): number {
    return this.#length;
  }

  add(data: Uint8Array): void {
    if (this.#length + data.length > FRAME_DATA_BYTES) throw new RangeError('more data than a frame holds');
    for (let taken = 0; taken < data.length; ) {
      const block = Math.floor(this.#length / BLOCK_BYTES);
      const end = Math.min(data.length, taken + (block + 1) * BLOCK_BYTES - this.#length);
      this.#table[block] = crc32c(data.subarray(taken, end), this.#table[block]);
      this.#length += end - taken;
      taken = end;
    }
  }

  clear(): void {
    this.#table.fill(0);
    this.#length = 0;
  }

  entry(block: number): number {
    return this.#table[block] ?? 0;
  }
}

/** Writes `header` at the start of `into`, which must hold `header.headerLength` bytes. */
export function encodeHeader(header: FrameHeader, checksums: BlockChecksums, into: Buffer): void {
  into.set(FRAME_MAGIC, 0);
  into.writeUInt16BE(VERSION, 8);
  into.writeUInt16BE(header.headerLength, 10);
  into.writeUInt32BE(header.store, 12);
  writeSafeInteger(into, header.container, 16);
  writeSafeInteger(into, header.offset, 24);
  writeSafeInteger(into, header.owner.contentId, 32);
  writeSafeInteger(into, header.owner.fileOffset, 40);
  into.writeUInt32BE(header.dataLength, 48);
  into.writeUInt32BE(BLOCK_BYTES, 52);
  const crcAt = header.headerLength - CRC_BYTES;
  for (let at = TABLE_AT, block = 0; at < crcAt; at += CRC_BYTES, block++) {
    into.writeUInt32BE(checksums.entry(block), at);
  }
  into.writeUInt32BE(crc32c(into.subarray(0, crcAt)), crcAt);
}

/**
 * The header at the start of `bytes`, which may be longer; undefined when the bytes are no whole and
 * undamaged header.
 */
export function decodeHeader(bytes: Buffer): FrameHeader | undefined {
  if (bytes.length < SHORT_HEADER_BYTES) return undefined;
  if (bytes.compare(FRAME_MAGIC, 0, FRAME_MAGIC.length, 0, FRAME_MAGIC.length) !== 0) return undefined;
  const length = bytes.readUInt16BE(10);
  if ((length !== SHORT_HEADER_BYTES && length !== LONG_HEADER_BYTES) || bytes.length < length)
    return undefined;
  const crcAt = length - CRC_BYTES;
  if (crc32c(bytes.subarray(0, crcAt)) !== bytes.readUInt32BE(crcAt)) return undefined;
  if (bytes.readUInt16BE(8) !== VERSION || bytes.readUInt32BE(52) !== BLOCK_BYTES) return undefined;
  const dataLength = bytes.readUInt32BE(48);
  if (dataLength === 0 || dataLength > FRAME_DATA_BYTES) return undefined;
  if (length === SHORT_HEADER_BYTES && dataLength > BLOCK_BYTES) return undefined;
  const container = readSafeInteger(bytes, 16);
  const offset = readSafeInteger(bytes, 24);
  const contentId = readSafeInteger(bytes, 32);
  const fileOffset = readSafeInteger(bytes, 40);
  if (!container || offset === undefined || contentId === undefined || fileOffset === undefined)
    return undefined;
  return {
    store: bytes.readUInt32BE(12),
    container: container as ContainerId,
    offset,
    owner: { contentId, fileOffset },
    headerLength: length,
    dataLength,
  };
}

/**
 * The first block of `data` that does not match the checksum table of `header`, or undefined when all do.
 * `data` starts at block `firstBlock` of the frame and ends at a block's end or the frame's.
 */
export function damagedBlock(header: Buffer, data: Uint8Array, firstBlock: number): number | undefined {
  for (let at = 0, block = firstBlock; at < data.length; at += BLOCK_BYTES, block++) {
    const whole = data.length <= BLOCK_BYTES;
    const sum = crc32c(whole ? data : data.subarray(at, at + BLOCK_BYTES));
    if (sum !== header.readUInt32BE(TABLE_AT + block * CRC_BYTES)) return block;
  }
  return undefined;
}

function writeSafeInteger(into: Buffer, value: number, at: number): void {
  into.writeUInt32BE(Math.floor(value / TWO_TO_32), at);
  into.writeUInt32BE(value % TWO_TO_32, at + 4);
}

function readSafeInteger(bytes: Buffer, at: number): number | undefined {
  const value = bytes.readUInt32BE(at) * TWO_TO_32 + bytes.readUInt32BE(at + 4);
  return Number.isSafeInteger(value) ? value : undefined;
}

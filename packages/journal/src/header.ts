/**
 * The first half of a journal file's first block: the base that the records after it are changes to. What is in the
 * other half, see `roomNote.ts`.
 *
 *   offset  size  field
 *        0     8  magic: 'FACETJNL'
 *        8     4  CRC-32C of all that follows, base included
 *       12     4  version: 3; 2 where whoever has the state did not keep the names of epochs with it
 *       16     8  generation: of two files the one with the greater counts
 *       24     8  name of the epoch whose records lie here
 *       32     8  name of the epoch that follows, in the other file
 *       40     8  sequence of the first record
 *       48     4  base length: at most 1024
 *       52        base: what the owner needs to find its state again
 */

import { crc32c } from './crc32c.ts';
import { BLOCK_BYTES, EPOCH_NAME_BYTES } from './record.ts';

const MAGIC = Buffer.from('FACETJNL');
const VERSION = 3;
/** Read, but not written any more. */
const VERSION_WITHOUT_NAMES = 2;
const CRC_AT = 8;
const VERSION_AT = 12;
const GENERATION_AT = 16;
const EPOCH_AT = 24;
const NEXT_AT = 32;
const SEQUENCE_AT = 40;
const LENGTH_AT = 48;
const BASE_AT = 52;
const BASE_BYTES_MAX = 1024;
const HEADER_BYTES = BLOCK_BYTES / 2;

export interface FileHeader {
  readonly generation: number;
  readonly epoch: Uint8Array;
  readonly nextEpoch: Uint8Array;
  readonly firstSequence: number;
  readonly base: Uint8Array;
}

/** As it is found in a file. */
export interface FoundHeader extends FileHeader {
  /** Whether the name of its epoch was kept with the state before this was written. */
  readonly isNamed: boolean;
}

/** A journal that can not be what was written: replaying it, or going on without, would do harm. */
export class JournalDamaged extends Error {
  override readonly name = 'JournalDamaged';
}

export function encodeFileHeader(header: FileHeader): Buffer {
  if (header.base.length > BASE_BYTES_MAX) throw new RangeError('a base is too long');
  const block = Buffer.alloc(HEADER_BYTES);
  block.set(MAGIC);
  block.writeUInt32BE(VERSION, VERSION_AT);
  block.writeBigUInt64BE(BigInt(header.generation), GENERATION_AT);
  block.set(header.epoch, EPOCH_AT);
  block.set(header.nextEpoch, NEXT_AT);
  block.writeBigUInt64BE(BigInt(header.firstSequence), SEQUENCE_AT);
  block.writeUInt32BE(header.base.length, LENGTH_AT);
  block.set(header.base, BASE_AT);
  block.writeUInt32BE(crc32c(block.subarray(VERSION_AT, BASE_AT + header.base.length)), CRC_AT);
  return block;
}

/**
 * Undefined when none was written: a file that was being made, or that was not begun with yet.
 * @throws JournalDamaged
 */
export function decodeFileHeader(firstBlock: Buffer, file: string): FoundHeader | undefined {
  const block = firstBlock.subarray(0, HEADER_BYTES);
  if (block.every((byte) => byte === 0)) return undefined;
  const damaged = (what: string): never => {
    throw new JournalDamaged(`${file} is damaged: ${what}`);
  };
  if (block.length < HEADER_BYTES || block.compare(MAGIC, 0, MAGIC.length, 0, MAGIC.length) !== 0)
    return damaged('it does not begin as a journal does');
  const length = block.readUInt32BE(LENGTH_AT);
  if (length > BASE_BYTES_MAX) return damaged('its header is too long');
  if (crc32c(block.subarray(VERSION_AT, BASE_AT + length)) !== block.readUInt32BE(CRC_AT))
    return damaged('its header does not match its checksum');
  const version = block.readUInt32BE(VERSION_AT);
  if (version !== VERSION && version !== VERSION_WITHOUT_NAMES)
    throw new JournalDamaged(`${file} is of version ${version}, not ${VERSION}`);
  return {
    isNamed: version !== VERSION_WITHOUT_NAMES,
    generation: Number(block.readBigUInt64BE(GENERATION_AT)),
    epoch: block.subarray(EPOCH_AT, EPOCH_AT + EPOCH_NAME_BYTES),
    nextEpoch: block.subarray(NEXT_AT, NEXT_AT + EPOCH_NAME_BYTES),
    firstSequence: Number(block.readBigUInt64BE(SEQUENCE_AT)),
    base: block.subarray(BASE_AT, BASE_AT + length),
  };
}

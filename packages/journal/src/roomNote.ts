/**
 * How long a journal file is, at least, as the file itself says: in the second half of its first block.
 *
 *   offset  size  field
 *     2048     4  CRC-32C of what follows
 *     2052     8  length of the file, in bytes
 *
 * A file never becomes shorter than what was noted. So one that is shorter was cut off, wherever that was: of its
 * records alone none is missing that ended with a block.
 */

import { crc32c } from './crc32c.ts';
import { BLOCK_BYTES } from './record.ts';

export const ROOM_NOTE_AT = BLOCK_BYTES / 2;
const CRC_BYTES = 4;
const NOTE_BYTES = 12;

/** To be put at {@link ROOM_NOTE_AT}: within a sector, so that a power cut leaves this one or the one before. */
export function encodeRoomNote(roomBytes: number): Buffer {
  const note = Buffer.alloc(NOTE_BYTES);
  note.writeBigUInt64BE(BigInt(roomBytes), CRC_BYTES);
  note.writeUInt32BE(crc32c(note.subarray(CRC_BYTES)));
  return note;
}

/** Undefined when nothing was noted, or it can not be read any more: then nothing is known. */
export function decodeRoomNote(firstBlock: Buffer): number | undefined {
  const note = firstBlock.subarray(ROOM_NOTE_AT, ROOM_NOTE_AT + NOTE_BYTES);
  if (crc32c(note.subarray(CRC_BYTES)) !== note.readUInt32BE()) return undefined;
  return Number(note.readBigUInt64BE(CRC_BYTES));
}

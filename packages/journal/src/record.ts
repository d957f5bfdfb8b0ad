/**
 * The record: what is appended to a journal.
 *
 * Big-endian; lengths in bytes.
 *
 *   offset  size  field
 *        0     4  magic: 'FJr1'
 *        4     4  CRC-32C of all that follows, payload included
 *        8     8  name of the epoch
 *       16     8  sequence: one more than that of the record before, in whichever file
 *       24     8  sequence of the first record of its group: all before that one was durable when this was written
 *       32     4  kind
 *       36     4  payload length: at most 64 MiB
 *       40        payload
 *
 * An epoch is one use of one file, named by eight random bytes: what an earlier use left behind, or what a client
 * put into its own bytes, never passes for a record of it.
 *
 * Records that are made durable together are one group. They lie back to back, and a group begins at a block of its
 * own: no write touches a block in which something was acknowledged before.
 */

import { crc32c } from './crc32c.ts';

export const BLOCK_BYTES = 4096;
export const RECORD_HEADER_BYTES = 40;
export const PAYLOAD_BYTES_MAX = 64 << 20;
export const EPOCH_NAME_BYTES = 8;

const MAGIC = Buffer.from('FJr1');
const CRC_AT = 4;
const NAME_AT = 8;
const SEQUENCE_AT = 16;
const GROUP_AT = 24;
const KIND_AT = 32;
const LENGTH_AT = 36;

/**
 * - `batch`: puts and deletes of the metadata.
 * - `void`: the batch whose sequence it holds came to nothing, and was not acknowledged.
 * - `bytes`: bytes of a container, to be written where they were.
 * - `punch`: a run of a container that is dead and given back; bytes before it in the journal are dead, too.
 */
export const RECORD = { batch: 1, void: 2, bytes: 3, punch: 4 } as const;
export type RecordKind = (typeof RECORD)[keyof typeof RECORD];

export interface JournalRecord {
  readonly kind: RecordKind;
  /** In pieces, one after the other. */
  readonly payload: readonly Uint8Array[];
}

/** Where a record stands. */
export interface RecordPlace {
  readonly epoch: Uint8Array;
  readonly sequence: number;
}

/** Where a record is put: also, which one its group begins with. */
export interface RecordPlaceInGroup extends RecordPlace {
  readonly groupSequence: number;
}

export interface RecordHeader {
  readonly sequence: number;
  readonly kind: RecordKind;
  readonly payloadBytes: number;
}

export function recordBytes({ payload }: JournalRecord): number {
  return payload.reduce((sum, piece) => sum + piece.length, RECORD_HEADER_BYTES);
}

/** The header of a record, to be followed by the pieces of its payload. */
export function encodeRecordHeader(record: JournalRecord, place: RecordPlaceInGroup): Buffer {
  const header = Buffer.allocUnsafe(RECORD_HEADER_BYTES);
  header.set(MAGIC);
  header.set(place.epoch, NAME_AT);
  header.writeBigUInt64BE(BigInt(place.sequence), SEQUENCE_AT);
  header.writeBigUInt64BE(BigInt(place.groupSequence), GROUP_AT);
  header.writeUInt32BE(record.kind, KIND_AT);
  header.writeUInt32BE(recordBytes(record) - RECORD_HEADER_BYTES, LENGTH_AT);
  let sum = crc32c(header.subarray(NAME_AT));
  for (const piece of record.payload) sum = crc32c(piece, sum);
  header.writeUInt32BE(sum, CRC_AT);
  return header;
}

/** What a record at this place says of itself, if there may be one; only with its payload is that known. */
export function peekRecord(bytes: Buffer, place: RecordPlace): RecordHeader | undefined {
  if (bytes.length < RECORD_HEADER_BYTES) return undefined;
  if (bytes.compare(MAGIC, 0, MAGIC.length, 0, MAGIC.length) !== 0) return undefined;
  if (bytes.compare(place.epoch, 0, EPOCH_NAME_BYTES, NAME_AT, SEQUENCE_AT) !== 0) return undefined;
  if (bytes.readBigUInt64BE(SEQUENCE_AT) !== BigInt(place.sequence)) return undefined;
  const payloadBytes = bytes.readUInt32BE(LENGTH_AT);
  const kind = bytes.readUInt32BE(KIND_AT);
  if (payloadBytes > PAYLOAD_BYTES_MAX || !isKind(kind)) return undefined;
  return { sequence: place.sequence, kind, payloadBytes };
}

/** The sequences that a record's header tells, its own and its group's first; nothing has been checked. */
export function sequencesIn(header: Buffer): { readonly sequence: number; readonly groupSequence: number } {
  return {
    sequence: Number(header.readBigUInt64BE(SEQUENCE_AT)),
    groupSequence: Number(header.readBigUInt64BE(GROUP_AT)),
  };
}

/** Whether these, a header and its payload, are what was written. */
export function isWhole(record: Buffer): boolean {
  return crc32c(record.subarray(NAME_AT)) === record.readUInt32BE(CRC_AT);
}

function isKind(kind: number): kind is RecordKind {
  return kind >= RECORD.batch && kind <= RECORD.punch;
}

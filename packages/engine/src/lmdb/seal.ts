/**
 * The checksum of a record: LMDB keeps none, and serves a flipped bit as what was written.
 *
 * Behind the value as LMDB has it stand 4 bytes, big-endian: CRC-32C over the key and then the value. So a record is
 * good only under its own key, wherever in the file it is found.
 */

import { Buffer } from 'node:buffer';
import { type Bytes, DamagedRecord, type Entry } from '../contract.ts';
import { checksumOf } from './checksum.ts';
import { copyOut } from './copyOut.ts';

const SEAL_BYTES = 4;

/** The value with its seal. */
export function sealed(key: Bytes, value: Bytes): Buffer {
  const record = Buffer.allocUnsafe(value.length + SEAL_BYTES);
  record.set(value);
  record.writeUInt32BE(sumOf(key, value), value.length);
  return record;
}

/** The value, copied out of `record`, which may be lent. @throws DamagedRecord */
export function unsealed(key: Bytes, record: Buffer): Buffer {
  const value = opened(key, record);
  if (value === undefined) throw new DamagedRecord(key);
  return value;
}

/** All records, each of them sound. @throws DamagedRecord */
export function allOf(records: Iterable<SealedEntry>): readonly Entry[] {
  const entries: Entry[] = [];
  for (const { key, value: record } of records) entries.push({ key, value: unsealed(key, record) });
  return entries;
}

/** The first records that are sound, at most `limit` of them. */
export function soundOf(
  records: Iterable<SealedEntry>,
  limit: number,
  onDamaged: (key: Bytes) => void,
): readonly Entry[] {
  const sound: Entry[] = [];
  for (const { key, value: record } of records) {
    const value = opened(key, record);
    if (value === undefined) onDamaged(key);
    else if (sound.push({ key, value }) >= limit) break;
  }
  return sound;
}

/** A record as LMDB has it, lent. */
interface SealedEntry {
  readonly key: Bytes;
  readonly value: Buffer;
}

/** @returns undefined when it is damaged */
function opened(key: Bytes, record: Buffer): Buffer | undefined {
  const length = record.length - SEAL_BYTES;
  if (length < 0) return undefined;
  const sum = checksumOf(record, length, checksumOf(key, key.length, 0));
  return sum === sealAt(record, length) ? copyOut(record, 0, length) : undefined;
}

function sumOf(key: Bytes, value: Bytes): number {
  return checksumOf(value, value.length, checksumOf(key, key.length, 0));
}

/** Not Buffer's own, which looks at how long the memory is that was lent, and at its arguments. */
function sealAt(record: Bytes, at: number): number {
  const high = ((record[at] ?? 0) << 8) | (record[at + 1] ?? 0);
  const low = ((record[at + 2] ?? 0) << 8) | (record[at + 3] ?? 0);
  return ((high << 16) | low) >>> 0;
}

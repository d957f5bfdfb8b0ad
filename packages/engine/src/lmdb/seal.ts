/**
 * The checksum of a record: LMDB keeps none, and serves a flipped bit as what was written.
 *
 * Behind the value as LMDB has it stand 4 bytes, big-endian: CRC-32C over the key and then the value. So a record is
 * good only under its own key, wherever in the file it is found.
 */

import { Buffer } from 'node:buffer';
import { crc32c } from '@facet/journal';
import { type Bytes, DamagedRecord, type Entry } from '../contract.ts';

const SEAL_BYTES = 4;

/** The value with its seal. */
export function sealed(key: Bytes, value: Bytes): Buffer {
  const record = Buffer.allocUnsafe(value.length + SEAL_BYTES);
  record.set(value);
  record.writeUInt32BE(sumOf(key, value), value.length);
  return record;
}

/** The value, a view of `record`. @throws DamagedRecord */
export function unsealed(key: Bytes, record: Buffer): Buffer {
  const value = opened(key, record);
  if (value === undefined) throw new DamagedRecord(key);
  return value;
}

/** The first records that are sound, at most `limit` of them. */
export function soundOf(
  records: Iterable<{ readonly key: Bytes; readonly value: Buffer }>,
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

/** @returns undefined when it is damaged */
function opened(key: Bytes, record: Buffer): Buffer | undefined {
  const length = record.length - SEAL_BYTES;
  if (length < 0) return undefined;
  const value = record.subarray(0, length);
  return sumOf(key, value) === record.readUInt32BE(length) ? value : undefined;
}

function sumOf(key: Bytes, value: Bytes): number {
  return continued(value, continued(key, 0));
}

/** Up to so many bytes a table is quicker than the call out of JavaScript, which takes 0.15 µs whatever the length. */
const BY_TABLE_MAX = 48;
/** Reflected, as RFC 3720 appendix B.4 has it. */
const POLYNOMIAL = 0x82f63b78;
const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ POLYNOMIAL : sum >>> 1;
  return sum;
});

function continued(bytes: Bytes, previous: number): number {
  if (bytes.length > BY_TABLE_MAX) return crc32c(bytes, previous);
  let sum = ~previous;
  for (let at = 0; at < bytes.length; at++) sum = (sum >>> 8) ^ (TABLE[(sum ^ (bytes[at] ?? 0)) & 0xff] ?? 0);
  return ~sum >>> 0;
}

/**
 * A batch of writes as the journal keeps it.
 *
 * Big-endian: the number of writes (4), then for each its key's length (4), its value's length (4; 0xffffffff
 * deletes), key, value. That it is whole the journal's checksum says.
 */

import type { OwnWrite } from './mergeRange.ts';

const COUNT_BYTES = 4;
const LENGTHS_BYTES = 8;
const DELETES = 0xffffffff;

/** What writes take of a record. */
export function writtenBytes({
  keys,
  values,
}: {
  readonly keys: readonly Uint8Array[];
  readonly values: readonly (Uint8Array | undefined)[];
}): number {
  let length = keys.length * LENGTHS_BYTES;
  for (const key of keys) length += key.length;
  for (const value of values) length += value === undefined ? 0 : value.length;
  return length;
}

export function encodeBatch(writes: readonly OwnWrite[]): Buffer {
  let length = COUNT_BYTES;
  for (const { key, value } of writes) length += LENGTHS_BYTES + key.length + (value?.length ?? 0);
  const record = Buffer.allocUnsafe(length);
  record.writeUInt32BE(writes.length);
  let at = COUNT_BYTES;
  for (const { key, value } of writes) {
    record.writeUInt32BE(key.length, at);
    record.writeUInt32BE(value === undefined ? DELETES : value.length, at + 4);
    at += LENGTHS_BYTES;
    record.set(key, at);
    at += key.length;
    if (value === undefined) continue;
    record.set(value, at);
    at += value.length;
  }
  return record;
}

/** @throws RangeError when it is none */
export function decodeBatch(record: Buffer): readonly OwnWrite[] {
  const writes: OwnWrite[] = [];
  const count = record.readUInt32BE();
  let at = COUNT_BYTES;
  const take = (length: number): Buffer => {
    if (length > record.length - at) throw new RangeError('a batch in the journal is cut short');
    at += length;
    return record.subarray(at - length, at);
  };
  for (let index = 0; index < count; index++) {
    const lengths = take(LENGTHS_BYTES);
    const valueLength = lengths.readUInt32BE(4);
    const key = take(lengths.readUInt32BE());
    writes.push({ key, value: valueLength === DELETES ? undefined : take(valueLength) });
  }
  if (at !== record.length) throw new RangeError('a batch in the journal is too long');
  return writes;
}

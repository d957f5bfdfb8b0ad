import { Buffer } from 'node:buffer';
import { type Bytes, KEY_BYTES_MAX } from './contract.ts';

/**
 * The end (exclusive) of the range of all keys that begin with `prefix`: the shortest key after all of them.
 * @throws RangeError when there is no such key: `prefix` is empty or all 0xff.
 */
export function prefixEnd(prefix: Bytes): Bytes {
  let last = prefix.length - 1;
  while (last >= 0 && prefix[last] === 0xff) last--;
  const byte = prefix[last];
  if (byte === undefined) throw new RangeError('no key comes after every key with this prefix');
  const end = Buffer.from(prefix.subarray(0, last + 1));
  end[last] = byte + 1;
  return end;
}

/** The key that comes next after `key`, whatever else is stored: where to go on after `key` was read. */
export function keyAfter(key: Bytes): Bytes {
  const after = Buffer.alloc(key.length + 1);
  after.set(key);
  return after;
}

/** One UTF-16 unit a byte, so that strings compare and hash exactly as the bytes do. */
export function keyText(key: Bytes): string {
  return Buffer.prototype.latin1Slice.call(key, 0, key.length);
}

/** From the end: keys that differ often begin alike. */
export function sameKey(one: Bytes, other: Bytes): boolean {
  if (one.length !== other.length) return false;
  for (let at = one.length - 1; at >= 0; at--) if (one[at] !== other[at]) return false;
  return true;
}

/** @throws RangeError for a key no engine can hold. */
export function checkKey(key: Bytes): void {
  if (key.length === 0) throw new RangeError('a key has at least one byte');
  if (key.length > KEY_BYTES_MAX)
    throw new RangeError(`a key has at most ${KEY_BYTES_MAX} bytes; this one has ${key.length}`);
}

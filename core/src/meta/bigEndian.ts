/**
 * Numbers in bytes, big-endian. Buffer's own methods have their arguments checked by functions that V8 does not inline:
 * to encode an inode took twice as long through them.
 *
 * That the bytes are there is for the caller to know.
 */

const U32_END = 2 ** 32;
const U64_END = 2 ** 64;

export function getU32(bytes: Uint8Array, at: number): number {
  const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  const low = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
  return ((high << 16) | low) >>> 0;
}

/** @throws RangeError when it does not fit */
export function putU32(bytes: Uint8Array, value: number, at: number): void {
  if (!(value >= 0 && value < U32_END)) throw new RangeError(`${value} is no number of 32 bits`);
  bytes[at] = value >>> 24;
  bytes[at + 1] = value >>> 16;
  bytes[at + 2] = value >>> 8;
  bytes[at + 3] = value;
}

/** As a number, which may have been rounded: whoever needs it exact checks that it is safe. */
export function getU64(bytes: Uint8Array, at: number): number {
  return getU32(bytes, at) * U32_END + getU32(bytes, at + 4);
}

/** @throws RangeError when it does not fit */
export function putU64(bytes: Uint8Array, value: number, at: number): void {
  if (!(value >= 0 && value < U64_END)) throw new RangeError(`${value} is no number of 64 bits`);
  const high = Math.floor(value / U32_END);
  putU32(bytes, high, at);
  putU32(bytes, value - high * U32_END, at + 4);
}

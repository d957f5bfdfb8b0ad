/** CRC-32C of so few bytes as a record of the metadata has, without leaving JavaScript. */

import { crc32c } from '@facet/journal';
import type { Bytes } from '../contract.ts';

/** Up to so many bytes the tables are quicker than the native call, which takes as long for 1 byte as for 400. */
const BY_TABLES_MAX = 160;
/** Reflected, as RFC 3720 appendix B.4 has it. */
const POLYNOMIAL = 0x82f63b78;

/** What a byte adds to the sum, by how many bytes come behind it in the same step of eight. */
const BEHIND_0 = Int32Array.from({ length: 256 }, (_, byte) => {
  let sum = byte;
  for (let bit = 0; bit < 8; bit++) sum = sum & 1 ? (sum >>> 1) ^ POLYNOMIAL : sum >>> 1;
  return sum;
});
const BEHIND_1 = withOneMore(BEHIND_0);
const BEHIND_2 = withOneMore(BEHIND_1);
const BEHIND_3 = withOneMore(BEHIND_2);
const BEHIND_4 = withOneMore(BEHIND_3);
const BEHIND_5 = withOneMore(BEHIND_4);
const BEHIND_6 = withOneMore(BEHIND_5);
const BEHIND_7 = withOneMore(BEHIND_6);

function withOneMore(table: Int32Array): Int32Array {
  return table.map((sum) => (sum >>> 8) ^ (BEHIND_0[sum & 0xff] ?? 0));
}

/**
 * Of the first `length` bytes, going on from `previous`. `bytes` may be memory that lmdb-js lends, which is longer than
 * its `length` says.
 *
 * @source RFC 3720 appendix B.4; eight bytes a step: M. Kounavis, F. Berry, "Novel Table Lookup-Based Algorithms for
 * High-Performance CRC Generation" (2008)
 */
export function checksumOf(bytes: Bytes, length: number, previous: number): number {
  if (length > BY_TABLES_MAX) return crc32c(bytes.subarray(0, length), previous);
  let sum = ~previous;
  let at = 0;
  for (; at + 8 <= length; at += 8) {
    sum =
      (BEHIND_7[(sum ^ (bytes[at] ?? 0)) & 0xff] ?? 0) ^
      (BEHIND_6[((sum >>> 8) ^ (bytes[at + 1] ?? 0)) & 0xff] ?? 0) ^
      (BEHIND_5[((sum >>> 16) ^ (bytes[at + 2] ?? 0)) & 0xff] ?? 0) ^
      (BEHIND_4[(sum >>> 24) ^ (bytes[at + 3] ?? 0)] ?? 0) ^
      (BEHIND_3[bytes[at + 4] ?? 0] ?? 0) ^
      (BEHIND_2[bytes[at + 5] ?? 0] ?? 0) ^
      (BEHIND_1[bytes[at + 6] ?? 0] ?? 0) ^
      (BEHIND_0[bytes[at + 7] ?? 0] ?? 0);
  }
  for (; at < length; at++) sum = (sum >>> 8) ^ (BEHIND_0[(sum ^ (bytes[at] ?? 0)) & 0xff] ?? 0);
  return ~sum >>> 0;
}

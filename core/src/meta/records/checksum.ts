/** How checksum algorithms and values are written. */

import { assert } from '../../invariant.ts';
import type { Checksum, ChecksumAlgorithm, ChecksumType } from '../../objects/types.ts';
import type { Reader, Writer } from '../codec.ts';

/** A code once given is never changed. */
const CODES: Readonly<Record<ChecksumAlgorithm, number>> = {
  CRC32: 1,
  CRC32C: 2,
  CRC64NVME: 3,
  SHA1: 4,
  SHA256: 5,
  SHA512: 6,
  MD5: 7,
  XXHASH64: 8,
  XXHASH3: 9,
  XXHASH128: 10,
};
const ALGORITHMS = new Map<number, ChecksumAlgorithm>(
  Object.entries(CODES).map(([name, code]) => [code, name as ChecksumAlgorithm]),
);

interface ChecksumKind {
  readonly algorithm: ChecksumAlgorithm;
  readonly type: ChecksumType;
}

export function writeChecksumKind(writer: Writer, kind: ChecksumKind): void {
  writer.u8(CODES[kind.algorithm]).u8(kind.type === 'FULL_OBJECT' ? 0 : 1);
}

export function readChecksumKind(reader: Reader): ChecksumKind {
  const code = reader.u8();
  const algorithm = ALGORITHMS.get(code);
  assert(algorithm !== undefined, () => `checksum algorithm ${code} is not known`);
  return { algorithm, type: reader.u8() === 0 ? 'FULL_OBJECT' : 'COMPOSITE' };
}

export function writeChecksum(writer: Writer, checksum: Checksum): void {
  writeChecksumKind(writer, checksum);
  writer.raw(checksum.value);
}

/** The value is what is left of the field. */
export function readChecksum(reader: Reader): Checksum {
  return { ...readChecksumKind(reader), value: reader.rest() };
}

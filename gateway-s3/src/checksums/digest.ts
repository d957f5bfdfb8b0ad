/** Checksums over a stream of bytes, one or several in one pass. */
import type { Checksum, ChecksumAlgorithm } from './algorithms.ts';

/** A checksum under way. `digest` ends it: nothing may be called afterwards. */
export interface Digest {
  update(bytes: Uint8Array): void;
  digest(): Buffer;
}

export function createDigest(_algorithm: ChecksumAlgorithm): Digest {
  throw new Error('unwritten');
}

/** The checksum of bytes that are all here. */
export function checksumOf(_algorithm: ChecksumAlgorithm, _bytes: Uint8Array): Checksum {
  throw new Error('unwritten');
}

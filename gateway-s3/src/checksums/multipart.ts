/** What a completed multipart upload is worth: its ETag and its checksum, from those of its parts. */
import type { Checksum, ChecksumAlgorithm, ObjectChecksum } from './algorithms.ts';

/** `hex-N` without quotes: MD5 of the parts' binary MD5s, in part order. */
export function multipartEtag(_partMd5s: readonly Buffer[]): string {
  throw new Error('unwritten');
}

/** COMPOSITE: the algorithm over the parts' digests, in part order. */
export function compositeChecksum(
  _algorithm: ChecksumAlgorithm,
  _partDigests: readonly Buffer[],
): ObjectChecksum {
  throw new Error('unwritten');
}

export interface PartChecksum {
  readonly digest: Buffer;
  /** Bytes in the part. */
  readonly length: number;
}

/**
 * FULL_OBJECT: the checksum of the concatenated bytes, without reading them. CRCs only.
 * @throws S3Error InvalidRequest (an algorithm that cannot be combined)
 */
export function fullObjectChecksum(_algorithm: ChecksumAlgorithm, _parts: readonly PartChecksum[]): Checksum {
  throw new Error('unwritten');
}

/**
 * The checksum algorithms S3 names, what we can compute of them, and which shapes they take over a multipart upload.
 * @source S3 User Guide, "Checking object integrity in Amazon S3"
 */

/** Ours, in the order in which S3 lists them. */
export const CHECKSUM_ALGORITHMS = [
  'CRC32',
  'CRC32C',
  'CRC64NVME',
  'SHA1',
  'SHA256',
  'SHA512',
  'MD5',
] as const;
export type ChecksumAlgorithm = (typeof CHECKSUM_ALGORITHMS)[number];

/** `COMPOSITE`: a checksum of the parts' checksums; `FULL_OBJECT`: of the bytes. */
export type ChecksumType = 'COMPOSITE' | 'FULL_OBJECT';

/** The checksum of a run of bytes: `digest` holds exactly the algorithm's length, big-endian for CRCs. */
export interface Checksum {
  readonly algorithm: ChecksumAlgorithm;
  readonly digest: Buffer;
}

/** The checksum of an object; `parts` is the number after the dash of a composite one. */
export type ObjectChecksum =
  | (Checksum & { readonly type: 'FULL_OBJECT' })
  | (Checksum & { readonly type: 'COMPOSITE'; readonly parts: number });

/**
 * Reads `x-amz-checksum-algorithm`, `x-amz-sdk-checksum-algorithm` or `<ChecksumAlgorithm>`, in any case.
 * @throws S3Error NotImplemented (XXHASH64, XXHASH3, XXHASH128) | InvalidRequest (not an algorithm of S3)
 */
export function parseChecksumAlgorithm(_name: string): ChecksumAlgorithm {
  throw new Error('unwritten');
}

/** The header (and trailer) that carries the value: `x-amz-checksum-crc32c`. */
export function checksumHeaderName(_algorithm: ChecksumAlgorithm): string {
  throw new Error('unwritten');
}

/** The XML element that carries the value: `ChecksumCRC32C`. */
export function checksumElementName(_algorithm: ChecksumAlgorithm): string {
  throw new Error('unwritten');
}

/**
 * The type a multipart upload has: the one asked for, else the algorithm's default.
 * @throws S3Error InvalidRequest (a type the algorithm cannot take, or not a type)
 */
export function resolveChecksumType(_algorithm: ChecksumAlgorithm, _asked: string | undefined): ChecksumType {
  throw new Error('unwritten');
}

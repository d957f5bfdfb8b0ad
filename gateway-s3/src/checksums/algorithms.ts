/**
 * The checksum algorithms S3 names, which of them we compute, and the shapes they take over a multipart upload.
 * @source S3 User Guide, "Checking object integrity in Amazon S3"
 */
import type { ChecksumAlgorithm, ChecksumType } from '@facet/core';
import { S3Error } from '../errors.ts';

interface AlgorithmRow {
  /** Length of a value, in bytes. */
  readonly lengthBytes: number;
  /** What a multipart upload may ask for; the first is what it gets when it does not ask. */
  readonly types: readonly [ChecksumType, ...ChecksumType[]];
}

/** Every algorithm we compute. */
const ALGORITHMS = {
  CRC32: { lengthBytes: 4, types: ['COMPOSITE', 'FULL_OBJECT'] },
  CRC32C: { lengthBytes: 4, types: ['COMPOSITE', 'FULL_OBJECT'] },
  CRC64NVME: { lengthBytes: 8, types: ['FULL_OBJECT'] },
  SHA1: { lengthBytes: 20, types: ['COMPOSITE'] },
  SHA256: { lengthBytes: 32, types: ['COMPOSITE'] },
  SHA512: { lengthBytes: 64, types: ['COMPOSITE'] },
  MD5: { lengthBytes: 16, types: ['COMPOSITE'] },
} as const satisfies Partial<Record<ChecksumAlgorithm, AlgorithmRow>>;

export type ComputedAlgorithm = keyof typeof ALGORITHMS;

/**
 * Named by S3, not computed here: nothing that we depend on has them natively, and in JavaScript they would hold the
 * event loop up for every body (60 to 130 MiB/s, measured).
 */
const REFUSED: ReadonlySet<string> = new Set(['XXHASH64', 'XXHASH3', 'XXHASH128']);

/**
 * Reads `x-amz-checksum-algorithm`, `x-amz-sdk-checksum-algorithm` or `<ChecksumAlgorithm>`, in any case.
 * @throws S3Error NotImplemented (XXHASH64, XXHASH3, XXHASH128) | InvalidRequest (not an algorithm of S3)
 */
export function parseChecksumAlgorithm(name: string): ComputedAlgorithm {
  const upper = name.toUpperCase();
  if (isComputed(upper)) return upper;
  if (REFUSED.has(upper)) {
    throw new S3Error(
      'NotImplemented',
      `The checksum algorithm ${upper} is not supported; use one of ${listed()}.`,
    );
  }
  throw new S3Error(
    'InvalidRequest',
    `Checksum algorithm provided is unsupported. Please try again with any of the valid types: ${listed()}`,
  );
}

/** Length of a value, in bytes. */
export function checksumLength(algorithm: ComputedAlgorithm): number {
  return ALGORITHMS[algorithm].lengthBytes;
}

/** The header (and trailer) that carries the value: `x-amz-checksum-crc32c`. */
export function checksumHeaderName(algorithm: ChecksumAlgorithm): string {
  return `x-amz-checksum-${algorithm.toLowerCase()}`;
}

/** The XML element that carries the value: `ChecksumCRC32C`. */
export function checksumElementName(algorithm: ChecksumAlgorithm): string {
  return `Checksum${algorithm}`;
}

/**
 * The type of a multipart upload's checksum: the one asked for (`x-amz-checksum-type`), else the algorithm's default.
 * @throws S3Error InvalidRequest (a type the algorithm cannot take, or not a type)
 */
export function resolveChecksumType(algorithm: ComputedAlgorithm, asked: string | undefined): ChecksumType {
  const types: readonly [ChecksumType, ...ChecksumType[]] = ALGORITHMS[algorithm].types;
  if (asked === undefined) return types[0];
  const upper = asked.toUpperCase();
  const found = types.find((type) => type === upper);
  if (found !== undefined) return found;
  throw new S3Error(
    'InvalidRequest',
    upper === 'COMPOSITE' || upper === 'FULL_OBJECT'
      ? `The ${upper} checksum type cannot be used with the ${algorithm.toLowerCase()} checksum algorithm.`
      : 'Value for x-amz-checksum-type header is invalid.',
  );
}

function isComputed(name: string): name is ComputedAlgorithm {
  return Object.hasOwn(ALGORITHMS, name);
}

function listed(): string {
  return `[${Object.keys(ALGORITHMS).join(', ')}]`;
}

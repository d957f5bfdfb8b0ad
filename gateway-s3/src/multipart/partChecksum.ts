/**
 * The checksum of an upload's parts. One that was asked for when the upload began binds every part; without one each
 * part keeps a CRC64NVME, so that the whole object has one in the end, as S3 does it.
 */
import type { UploadInfo } from '@facet/core';
import { type ComputedAlgorithm, parseChecksumAlgorithm } from '../checksums/algorithms.ts';
import { S3Error } from '../errors.ts';

const DEFAULT_ALGORITHM = 'CRC64NVME';

export type UploadChecksum = Pick<UploadInfo, 'checksum'>;

export function partAlgorithm({ checksum }: UploadChecksum): ComputedAlgorithm {
  return checksum === undefined ? DEFAULT_ALGORITHM : parseChecksumAlgorithm(checksum.algorithm);
}

/**
 * A part may bring its upload's checksum only, and must where the object's will be made of the parts'.
 * @param given the algorithm of the part's checksum, if it brings one.
 * @throws S3Error InvalidRequest
 */
export function requirePartChecksum(
  { checksum }: UploadChecksum,
  given: ComputedAlgorithm | undefined,
): void {
  if (checksum === undefined || given === checksum.algorithm) return;
  if (given === undefined && checksum.type === 'FULL_OBJECT') return;
  const expected = checksum.algorithm.toLowerCase();
  const actual = given?.toLowerCase() ?? 'null';
  throw new S3Error(
    'InvalidRequest',
    `Checksum Type mismatch occurred, expected checksum Type: ${expected}, actual checksum Type: ${actual}`,
  );
}

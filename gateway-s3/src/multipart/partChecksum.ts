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

/** @throws S3Error InvalidRequest: a part's checksum of another algorithm than its upload's */
export function requireSameAlgorithm(
  { checksum }: UploadChecksum,
  given: ComputedAlgorithm | undefined,
): void {
  if (checksum === undefined || given === undefined || given === checksum.algorithm) return;
  throw new S3Error(
    'InvalidRequest',
    `Checksum Type mismatch occurred, expected checksum Type: ${checksum.algorithm.toLowerCase()}, actual checksum Type: ${given.toLowerCase()}`,
  );
}

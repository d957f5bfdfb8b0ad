import { FsError, type FsErrorCode } from '../../src/index.ts';

/** Refusals that random operations on few names may meet. */
export function isRefusal(error: unknown): error is FsError {
  return error instanceof FsError && REFUSALS.has(error.code);
}

const REFUSALS: ReadonlySet<FsErrorCode> = new Set<FsErrorCode>([
  'NoEntry',
  'Exists',
  'NotDirectory',
  'IsDirectory',
  'NotEmpty',
  'NameTooLong',
  'Stale',
  'Invalid',
  'NotSynchronised',
  'PreconditionFailed',
  'InvalidRange',
  'NoSuchUpload',
  'InvalidPart',
  'NoSuchVolume',
  'VolumeExists',
  'VolumeNotEmpty',
  'CrossVolume',
  'NotPermitted',
  'Busy',
  'Interrupted',
  'QuotaExceeded',
  'NoSpace',
]);

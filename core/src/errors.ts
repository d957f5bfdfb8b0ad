/**
 * Everything that can go wrong in the core and is not a bug. Each gateway maps every code with an exhaustive
 * table, so that a new code does not compile until every door answers it.
 */
export type FsErrorCode =
  // Names and the tree (POSIX)
  | 'NoEntry'
  | 'Exists'
  | 'NotDirectory'
  | 'IsDirectory'
  | 'NotEmpty'
  | 'NameTooLong'
  | 'Invalid'
  | 'Stale'
  | 'TooManyLinks'
  | 'BadCookie'
  | 'NotSynchronised'
  | 'BadType'
  // Permission
  | 'AccessDenied'
  | 'NotPermitted'
  | 'ReadOnly'
  // Room
  | 'NoSpace'
  | 'QuotaExceeded'
  | 'FileTooBig'
  // Objects
  | 'PreconditionFailed'
  | 'NoSuchUpload'
  | 'InvalidPart'
  | 'InvalidPartOrder'
  | 'PartTooSmall'
  | 'ObjectTooLarge'
  | 'InvalidRange'
  // Volumes and tenants
  | 'NoSuchVolume'
  | 'VolumeExists'
  | 'VolumeNotEmpty'
  | 'NoSuchAccount'
  | 'AccountExists'
  | 'AccountNotEmpty'
  | 'NoSuchAccessKey'
  | 'AccessKeyExists'
  // The machine
  | 'Corrupt'
  | 'Failed'
  | 'Busy'
  | 'Closed';

export class FsError extends Error {
  override readonly name = 'FsError';
  readonly code: FsErrorCode;
  constructor(code: FsErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

import type { FileAttributes } from './files/types.ts';

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
  | 'CrossVolume'
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
  /** It would change more than one transaction may, or make what takes too much to read. */
  | 'TooMuchAtOnce'
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
  /** Whether it was done is not known: the store's process ended meanwhile, and is there again soon. */
  | 'Interrupted'
  | 'Closed';

/**
 * What a refused operation of the file view was on, as it is after the refusal, all from one snapshot: since the
 * operation changed nothing, it stands for before as well. Absent is what no longer exists or was not asked of.
 */
export interface Seen {
  readonly file?: FileAttributes;
  /** The directory of the name; of the old one where there are two. */
  readonly parent?: FileAttributes;
  /** The directory of the new name of a rename. */
  readonly target?: FileAttributes;
}

interface FsErrorOptions extends ErrorOptions {
  readonly seen?: Seen;
  readonly isOfMetadata?: boolean;
}

export class FsError extends Error {
  override readonly name = 'FsError';
  readonly code: FsErrorCode;
  readonly seen: Seen;
  /** Of Corrupt: a record of the metadata is, without which nothing can be read, written or removed there. */
  readonly isOfMetadata: boolean;
  constructor(code: FsErrorCode, message: string, options?: FsErrorOptions) {
    super(message, options);
    this.code = code;
    this.seen = options?.seen ?? {};
    this.isOfMetadata = options?.isOfMetadata === true;
  }
}

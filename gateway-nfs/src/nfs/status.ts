/** What an answer begins with, and how each of the core's refusals is said. @source RFC 1813 §2.6 */
import { FsError, type FsErrorCode } from '@facet/core';

export const NFS3_OK = 0;

export const NFS3_STATUS = {
  NFS3ERR_PERM: 1,
  NFS3ERR_NOENT: 2,
  NFS3ERR_IO: 5,
  NFS3ERR_ACCES: 13,
  NFS3ERR_EXIST: 17,
  NFS3ERR_XDEV: 18,
  NFS3ERR_NOTDIR: 20,
  NFS3ERR_ISDIR: 21,
  NFS3ERR_INVAL: 22,
  NFS3ERR_FBIG: 27,
  NFS3ERR_NOSPC: 28,
  NFS3ERR_ROFS: 30,
  NFS3ERR_MLINK: 31,
  NFS3ERR_NAMETOOLONG: 63,
  NFS3ERR_NOTEMPTY: 66,
  NFS3ERR_DQUOT: 69,
  NFS3ERR_STALE: 70,
  NFS3ERR_BADHANDLE: 10001,
  NFS3ERR_NOT_SYNC: 10002,
  NFS3ERR_BAD_COOKIE: 10003,
  NFS3ERR_TOOSMALL: 10005,
  NFS3ERR_SERVERFAULT: 10006,
  NFS3ERR_BADTYPE: 10007,
  NFS3ERR_JUKEBOX: 10008,
} as const;

export type Nfs3Status = keyof typeof NFS3_STATUS;

/** A refusal that is this door's own, before the core is asked. */
export class Nfs3Error extends Error {
  override readonly name = 'Nfs3Error';
  readonly status: Nfs3Status;
  constructor(status: Nfs3Status, message: string) {
    super(message);
    this.status = status;
  }
}

/** JUKEBOX asks the client to come again, which it does for as long as it takes. */
const STATUS_OF_FS_ERROR = {
  NoEntry: 'NFS3ERR_NOENT',
  Exists: 'NFS3ERR_EXIST',
  NotDirectory: 'NFS3ERR_NOTDIR',
  IsDirectory: 'NFS3ERR_ISDIR',
  NotEmpty: 'NFS3ERR_NOTEMPTY',
  NameTooLong: 'NFS3ERR_NAMETOOLONG',
  Invalid: 'NFS3ERR_INVAL',
  Stale: 'NFS3ERR_STALE',
  TooManyLinks: 'NFS3ERR_MLINK',
  BadCookie: 'NFS3ERR_BAD_COOKIE',
  NotSynchronised: 'NFS3ERR_NOT_SYNC',
  BadType: 'NFS3ERR_BADTYPE',
  CrossVolume: 'NFS3ERR_XDEV',
  AccessDenied: 'NFS3ERR_ACCES',
  NotPermitted: 'NFS3ERR_PERM',
  ReadOnly: 'NFS3ERR_ROFS',
  NoSpace: 'NFS3ERR_NOSPC',
  QuotaExceeded: 'NFS3ERR_DQUOT',
  FileTooBig: 'NFS3ERR_FBIG',
  PreconditionFailed: 'NFS3ERR_SERVERFAULT',
  NoSuchUpload: 'NFS3ERR_SERVERFAULT',
  InvalidPart: 'NFS3ERR_SERVERFAULT',
  InvalidPartOrder: 'NFS3ERR_SERVERFAULT',
  PartTooSmall: 'NFS3ERR_SERVERFAULT',
  ObjectTooLarge: 'NFS3ERR_FBIG',
  InvalidRange: 'NFS3ERR_INVAL',
  TooMuchAtOnce: 'NFS3ERR_FBIG',
  NoSuchVolume: 'NFS3ERR_STALE',
  VolumeExists: 'NFS3ERR_SERVERFAULT',
  VolumeNotEmpty: 'NFS3ERR_SERVERFAULT',
  NoSuchAccount: 'NFS3ERR_SERVERFAULT',
  AccountExists: 'NFS3ERR_SERVERFAULT',
  AccountNotEmpty: 'NFS3ERR_SERVERFAULT',
  NoSuchAccessKey: 'NFS3ERR_SERVERFAULT',
  AccessKeyExists: 'NFS3ERR_SERVERFAULT',
  Corrupt: 'NFS3ERR_IO',
  Failed: 'NFS3ERR_IO',
  Busy: 'NFS3ERR_JUKEBOX',
  Interrupted: 'NFS3ERR_JUKEBOX',
  Closed: 'NFS3ERR_JUKEBOX',
} as const satisfies Record<FsErrorCode, Nfs3Status>;

/** What a procedure says in its own way, where its list of errors in RFC 1813 §3.3 lacks the usual one. */
export type OwnStatuses = Readonly<Partial<Record<FsErrorCode, Nfs3Status>>>;

/** Undefined: no refusal but a fault, which the log must have. */
export function statusOf(error: unknown, own: OwnStatuses = {}): Nfs3Status | undefined {
  if (error instanceof Nfs3Error) return error.status;
  if (error instanceof FsError) return own[error.code] ?? STATUS_OF_FS_ERROR[error.code];
  return undefined;
}

/** NFSv3 and MOUNT by number, and what many arguments are made of. @source RFC 1813 */
import { Cursor, opaque, words } from './xdr.ts';

export const NFS_PROGRAM = 100003;
export const MOUNT_PROGRAM = 100005;
export const MNT = 1;

export const PROCEDURES = {
  GETATTR: 1,
  SETATTR: 2,
  LOOKUP: 3,
  READ: 6,
  WRITE: 7,
  CREATE: 8,
  MKDIR: 9,
  SYMLINK: 10,
  REMOVE: 12,
  RMDIR: 13,
  RENAME: 14,
  LINK: 15,
  READDIR: 16,
  READDIRPLUS: 17,
  COMMIT: 21,
} as const;

export const OK = 0;
export const NOENT = 2;
export const EXIST = 17;
export const NOSPC = 28;
/** Nothing was done: come again. */
export const JUKEBOX = 10_008;

export const HANDLE_BYTES_MAX = 64;

export interface Call {
  readonly xid: number;
  readonly procedure: keyof typeof PROCEDURES;
  readonly args: Buffer;
}

export interface Reply {
  readonly status: number;
  /** What follows the status. */
  readonly results: Buffer;
}

/** @throws WrongReply when there is no status */
export function replyOf(results: Buffer): Reply {
  const from = new Cursor(results);
  return { status: from.word(), results: from.rest() };
}

/** A `diropargs3`. */
export const place = (directory: Buffer, name: string): Buffer =>
  Buffer.concat([opaque(directory), opaque(name)]);

/** A `sattr3` that sets nothing. */
export const NO_ATTRIBUTES = words(0, 0, 0, 0, 0, 0);

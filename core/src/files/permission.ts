/**
 * Who may do what, by mode bits, ids and groups.
 *
 * A server of files differs from a local file system in one point: a client opens once and then reads and writes
 * by handle, so the owner may read and write whatever the mode has become since, and a file that may be executed
 * may be read. Root (uid 0) may do all but execute what nobody may execute.
 * @source POSIX.1-2024 §4.7 File Access Permissions; RFC 1813 §4.4
 */

import { FsError } from '../errors.ts';
import type { Inode } from '../meta/records/inode.ts';
import type { Found } from '../tree/inodes.ts';
import type { Caller } from './types.ts';

export const READ = 4;
export const WRITE = 2;
export const EXECUTE = 1;
/** Make, remove or rename an entry. */
export const CHANGE_ENTRIES = WRITE | EXECUTE;

const SET_UID = 0o4000;
const SET_GID = 0o2000;
const STICKY = 0o1000;
const GROUP_EXECUTE = 0o010;
const ANY_EXECUTE = 0o111;
const MODE_BITS = 0o7777;

export const isRoot = (caller: Caller): boolean => caller.uid === 0;
export const isIn = (caller: Caller, gid: number): boolean =>
  caller.gid === gid || caller.groups.includes(gid);
export const owns = (caller: Caller, inode: Inode): boolean => caller.uid === inode.uid || isRoot(caller);

/** Whether the mode allows every bit of `wanted`. */
export function allows(caller: Caller, inode: Inode, wanted: number): boolean {
  if (isRoot(caller)) {
    return (wanted & EXECUTE) === 0 || inode.type === 'directory' || (inode.mode & ANY_EXECUTE) !== 0;
  }
  const shift = caller.uid === inode.uid ? 6 : isIn(caller, inode.gid) ? 3 : 0;
  return ((inode.mode >>> shift) & wanted) === wanted;
}

/** @throws FsError AccessDenied */
export function mustAllow(caller: Caller, { id, inode }: Found, wanted: number): void {
  if (!allows(caller, inode, wanted)) throw denied(caller, { id, inode });
}

/** @throws FsError AccessDenied */
export function mustBeReadable(caller: Caller, found: Found): void {
  const { inode } = found;
  if (owns(caller, inode) || allows(caller, inode, READ) || allows(caller, inode, EXECUTE)) return;
  throw denied(caller, found);
}

/** @throws FsError AccessDenied */
export function mustBeWritable(caller: Caller, found: Found): void {
  if (!owns(caller, found.inode)) mustAllow(caller, found, WRITE);
}

/**
 * Leave to take an entry away: write to the directory, and where that is sticky, to own it or what is named.
 * @throws FsError AccessDenied | NotPermitted
 */
export function mustRemove(caller: Caller, directory: Found, named: Inode): void {
  mustAllow(caller, directory, CHANGE_ENTRIES);
  const sticky = (directory.inode.mode & STICKY) !== 0;
  if (sticky && !owns(caller, named) && !owns(caller, directory.inode)) {
    throw new FsError(
      'NotPermitted',
      `directory ${directory.id} is sticky and neither it nor the file is yours`,
    );
  }
}

function denied(caller: Caller, { id, inode }: Found): FsError {
  const mode = inode.mode.toString(8);
  return new FsError('AccessDenied', `uid ${caller.uid} may not do that to inode ${id} of mode ${mode}`);
}

/** The mode a caller may give to a file of a group: only its members and root may make it set-gid. */
export function grantedMode(caller: Caller, mode: number, gid: number): number {
  return isRoot(caller) || isIn(caller, gid) ? mode & MODE_BITS : mode & MODE_BITS & ~SET_GID;
}

/** What a change of data or owner leaves of the mode: a set-gid bit without group execution marks locking. */
export function withoutSetId(mode: number): number {
  return mode & ~SET_UID & ((mode & GROUP_EXECUTE) !== 0 ? ~SET_GID : MODE_BITS);
}

/** Group and mode of what is made in a directory: a set-gid directory hands on its group, unless one is given. */
export function inherit(
  caller: Caller,
  directory: Inode,
  made: { readonly directory: boolean; readonly mode: number; readonly gid?: number },
): { readonly gid: number; readonly mode: number } {
  const handsOn = (directory.mode & SET_GID) !== 0;
  const gid = made.gid ?? (handsOn ? directory.gid : caller.gid);
  const mode = grantedMode(caller, made.mode, gid);
  return { gid, mode: handsOn && made.directory ? mode | SET_GID : mode };
}

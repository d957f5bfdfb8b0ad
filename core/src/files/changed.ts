/** What a change of a file's bytes does besides: to its versions, times, mode, etag, checksum and the usage. */

import type { Op } from '@facet/engine';
import { FsError } from '../errors.ts';
import { assert } from '../invariant.ts';
import type { BodyRef, Inode } from '../meta/records/inode.ts';
import { encodeObjectRecord, objectOf } from '../meta/records/object.ts';
import { type Found, storeInode } from '../tree/inodes.ts';
import { adjustUsage, type Change } from '../tree/scope.ts';
import { isRoot, withoutSetId } from './permission.ts';
import type { Caller } from './types.ts';

/** 1 PiB: sums of sizes stay exact for as many files as a volume can hold bytes. */
export const FILE_BYTES_MAX = 2 ** 50;

/** @throws FsError Invalid | FileTooBig */
export function checkExtentOfFile(bytes: { readonly end: number; readonly what: string }): void {
  const { end, what } = bytes;
  if (!Number.isSafeInteger(end) || end < 0) {
    if (end > 0) throw new FsError('FileTooBig', `${what}: a file has at most ${FILE_BYTES_MAX} bytes`);
    throw new FsError('Invalid', `${what}: ${end} is no length`);
  }
  if (end > FILE_BYTES_MAX) {
    throw new FsError('FileTooBig', `${what}: ${end} bytes are more than ${FILE_BYTES_MAX}`);
  }
}

/** @throws FsError IsDirectory | Invalid */
export function mustBeFile({ id, inode }: Found): void {
  if (inode.type === 'directory') throw new FsError('IsDirectory', `inode ${id} is a directory`);
  if (inode.type !== 'file') throw new FsError('Invalid', `inode ${id} is a ${inode.type} and has no bytes`);
}

/** Stores a file with other bytes than before. User metadata stays; what vouched for the bytes goes. */
export function* storeChanged(
  change: Change,
  { id, inode }: Found,
  next: { readonly caller: Caller; readonly body: BodyRef; readonly sizeBytes: number },
): Op<Inode> {
  const { caller, body, sizeBytes } = next;
  const { etag: _etag, checksum, ...kept } = inode;
  yield* adjustUsage(change, { bytes: sizeBytes - inode.sizeBytes, inodes: 0 });
  const stored = {
    ...kept,
    ...(checksum && { object: withoutChecksum({ id, inode }) }),
    mode: isRoot(caller) ? inode.mode : withoutSetId(inode.mode),
    body,
    sizeBytes,
    mtime: change.now,
    ctime: change.now,
    change: inode.change + 1,
    dataVersion: inode.dataVersion + 1,
  };
  storeInode(change, id, stored);
  return stored;
}

function withoutChecksum({ id, inode }: Found): Buffer {
  assert(inode.object !== undefined, `inode ${id}, which names a checksum, has an object's record`);
  const { checksum: _checksum, ...record } = objectOf(inode);
  return encodeObjectRecord(record);
}

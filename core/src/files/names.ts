/** Names, and the entries they mean. New ones are POSIX's; those that S3 made are found whatever they are. */

import type { Op } from '@facet/engine';
import { FsError } from '../errors.ts';
import { type InodeId, ROOT_INODE } from '../ids.ts';
import type { InodeType } from '../meta/records/inode.ts';
import type { Dentry } from '../meta/records/tree.ts';
import { isBytesOfDirectory } from '../tree/bytesOfDirectory.ts';
import { findEntry } from '../tree/directories.ts';
import type { View } from '../tree/scope.ts';
import type { EntryRef } from './types.ts';

const NAME_BYTES_MAX = 255;
const SLASH = 0x2f;
const DOT = 0x2e;

/** `.` or `..`: what a name without a form says of the directory itself. */
export function dotName(ref: Omit<EntryRef, 'parent'>): 'self' | 'parent' | undefined {
  const { name, directory, literal } = ref;
  if (directory !== undefined || literal || name[0] !== DOT) return undefined;
  if (name.length === 1) return 'self';
  return name.length === 2 && name[1] === DOT ? 'parent' : undefined;
}

/**
 * Only a file may have no name, in any directory but the root: it is the bytes of the directory's object then.
 * @throws FsError Invalid | NameTooLong
 */
export function checkNewName(
  name: Buffer,
  { parent, type }: { readonly parent: InodeId; readonly type?: InodeType },
): void {
  if (isBytesOfDirectory(name) && type === 'file' && parent !== ROOT_INODE) return;
  if (name.length === 0) throw new FsError('Invalid', 'a new name has at least one byte');
  if (name.length > NAME_BYTES_MAX) {
    throw new FsError(
      'NameTooLong',
      `a new name has at most ${NAME_BYTES_MAX} bytes, this one ${name.length}`,
    );
  }
  if (name.includes(0) || name.includes(SLASH) || dotName({ name })) {
    throw new FsError('Invalid', `${JSON.stringify(`${name}`)} cannot be a new name`);
  }
}

/** The entry a reference means, if there is one. @throws FsError Invalid (`.` or `..`) */
export function* resolveEntry(
  view: View,
  parent: InodeId,
  ref: Omit<EntryRef, 'parent'>,
): Op<Dentry | undefined> {
  const { name, directory } = ref;
  if (name.includes(SLASH))
    throw new FsError('Invalid', `a name holds no slash: ${JSON.stringify(`${name}`)}`);
  if (dotName(ref)) throw new FsError('Invalid', `${name} is not an entry`);
  if (directory !== undefined) return yield* findEntry(view, parent, { name, directory });
  const other = yield* findEntry(view, parent, { name, directory: false });
  // Most are files, and without the mark no directory has the name.
  if (other && !other.twin) return other;
  return (yield* findEntry(view, parent, { name, directory: true })) ?? other;
}

/** @throws FsError NoEntry | Invalid */
export function* mustResolve(view: View, parent: InodeId, ref: Omit<EntryRef, 'parent'>): Op<Dentry> {
  const dentry = yield* resolveEntry(view, parent, ref);
  if (!dentry) throw new FsError('NoEntry', `${JSON.stringify(`${ref.name}`)} is not in directory ${parent}`);
  return dentry;
}

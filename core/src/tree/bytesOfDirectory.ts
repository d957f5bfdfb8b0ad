/**
 * The object `dir/`, where it has bytes: the file without a name in `dir`, since a directory has none. Its path is the
 * same key, and names are shown to files' clients as any that S3 alone can make.
 */

import type { EntryName } from '../meta/keys.ts';
import { dropTags, type Found, storeInode } from './inodes.ts';
import type { Change } from './scope.ts';

export const BYTES_OF_DIRECTORY: EntryName = { name: Buffer.alloc(0), directory: false };

export const isBytesOfDirectory = (name: Buffer): boolean => name.length === 0;

/** The bytes have come, or the object went: what it was without them it is no more. */
export function giveUpObject(change: Change, { id, inode }: Found): void {
  const { object, ...kept } = inode;
  if (!object) return;
  dropTags(change, { id, inode });
  storeInode(change, id, kept);
}

/** Inodes: found, made, stored, and let go with the last name. */

import type { Op } from '@facet/engine';
import { take } from '../commands/counter.ts';
import { dropBody } from '../contents/bodies.ts';
import { FsError } from '../errors.ts';
import { type InodeId, inodeId } from '../ids.ts';
import { directoryKey, inodeKey, tagsKey } from '../meta/keys.ts';
import {
  decodeInode,
  EMPTY_BODY,
  encodeInode,
  type Inode,
  type InodeType,
  type Place,
} from '../meta/records/inode.ts';
import { objectOf } from '../meta/records/object.ts';
import { adjustUsage, type Change, type View } from './scope.ts';

export interface Found {
  readonly id: InodeId;
  readonly inode: Inode;
}

/** @throws FsError Stale */
export function* loadInode(view: View, id: InodeId): Op<Inode> {
  const stored = yield* view.tx.get(inodeKey(view.layer, id));
  if (!stored) throw new FsError('Stale', `inode ${id} of volume ${view.volume.name} does not exist`);
  return decodeInode(stored);
}

export function storeInode(change: Change, id: InodeId, inode: Inode): void {
  change.tx.put(inodeKey(change.layer, id), encodeInode(inode));
}

/** The counter that a volume's inode ids come from. */
export const inodeIdsOf = ({ layer }: Change): string => `inode/${layer}`;

export function* newInodeId(change: Change): Op<InodeId> {
  return inodeId(yield* take(change.tx, { name: inodeIdsOf(change), count: 1 }));
}

/** A fresh inode with nothing in it, at its first name. The caller stores it. */
export function freshInode(
  change: Change,
  how: {
    readonly type: InodeType;
    readonly mode: number;
    readonly uid: number;
    readonly gid: number;
    readonly place: Place;
  },
): Inode {
  return {
    ...how,
    nlink: 1,
    sizeBytes: 0,
    atime: change.now,
    mtime: change.now,
    ctime: change.now,
    generation: change.random32(),
    change: 1,
    dataVersion: 1,
    body: EMPTY_BODY,
  };
}

/** Few have some: to delete what is not there would be a look at one more page, and a line of the journal. */
export function dropTags({ tx, layer }: Change, { id, inode }: Found): void {
  if (objectOf(inode).tagCount > 0) tx.delete(tagsKey(layer, id));
}

/** Removes an inode that has no name left, and lets its bytes go. */
export function* releaseInode(change: Change, { id, inode }: Found): Op<{ readonly freedBytes: number }> {
  const { tx, layer } = change;
  yield* dropBody(change, { inode: id, body: inode.body });
  const freedBytes = inode.sizeBytes;
  if (inode.type === 'directory') tx.delete(directoryKey(layer, id));
  tx.delete(inodeKey(layer, id));
  dropTags(change, { id, inode });
  yield* adjustUsage(change, { bytes: -freedBytes, inodes: -1 });
  return { freedBytes };
}

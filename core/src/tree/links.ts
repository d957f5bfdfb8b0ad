/**
 * The names of an inode. Its first name is `inode.place`; every further name has a link key. When the first
 * name goes, one of the others takes its place.
 */

import type { Op } from '@facet/engine';
import { cookie, inodeId } from '../ids.ts';
import { assert } from '../invariant.ts';
import { linkKey, linksOf, placeOfLinkKey } from '../meta/keys.ts';
import type { Inode, Place } from '../meta/records/inode.ts';
import { type Found, releaseInode, storeInode } from './inodes.ts';
import type { Change } from './scope.ts';

const samePlace = (a: Place, b: Place): boolean => a.parent === b.parent && a.cookie === b.cookie;

/** A further name of an inode. @returns the inode as stored. */
export function addName(change: Change, { id, inode }: Found, place: Place): Inode {
  change.tx.put(linkKey(change.layer, id, place), Buffer.alloc(0));
  const next = { ...inode, nlink: inode.nlink + 1, ctime: change.now, change: inode.change + 1 };
  storeInode(change, id, next);
  return next;
}

/** A name moved: its entry has a new place. @returns the inode as stored. */
export function moveName(change: Change, { id, inode }: Found, move: { from: Place; to: Place }): Inode {
  const { tx, layer } = change;
  const first = samePlace(inode.place, move.from);
  if (!first) {
    tx.delete(linkKey(layer, id, move.from));
    tx.put(linkKey(layer, id, move.to), Buffer.alloc(0));
  }
  const place = first ? move.to : inode.place;
  const next = { ...inode, place, ctime: change.now, change: inode.change + 1 };
  storeInode(change, id, next);
  return next;
}

/**
 * A name went. With the last name the inode goes too, and its bytes.
 * @returns the inode as stored, or undefined when it is gone.
 */
export function* dropName(change: Change, { id, inode }: Found, place: Place): Op<Inode | undefined> {
  const { tx, layer } = change;
  if (inode.type === 'directory' || inode.nlink <= 1) {
    yield* releaseInode(change, { id, inode });
    return undefined;
  }
  let first = inode.place;
  if (samePlace(first, place)) {
    const [other] = yield* tx.range({ ...linksOf(layer, id), limit: 1 });
    assert(other !== undefined, `inode ${id} with ${inode.nlink} names has a link key`);
    const { parent, cookie: at } = placeOfLinkKey(other.key);
    first = { parent: inodeId(parent), cookie: cookie(at) };
    tx.delete(other.key);
  } else {
    tx.delete(linkKey(layer, id, place));
  }
  const next = {
    ...inode,
    place: first,
    nlink: inode.nlink - 1,
    ctime: change.now,
    change: inode.change + 1,
  };
  storeInode(change, id, next);
  return next;
}

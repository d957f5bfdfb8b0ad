/** Inodes: those without a name, and what is counted of them. */

import type { Op } from '@facet/engine';
import { type ContentId, type InodeId, type LayerId, ROOT_INODE } from '../../ids.ts';
import {
  cookieKey,
  dentryKey,
  directoryKey,
  type EntryName,
  inlineKey,
  inodeKey,
  linksOf,
  orphanKey,
  SPACE,
  usageKey,
} from '../../meta/keys.ts';
import { type BodyRef, decodeInode, encodeInode, type Inode, type Place } from '../../meta/records/inode.ts';
import { encodeObjectRecord, objectOf } from '../../meta/records/object.ts';
import { decodeDentry, decodeEntryName, encodeDentry } from '../../meta/records/tree.ts';
import { encodeUsage } from '../../meta/records/volume.ts';
import {
  findEntry,
  findTwins,
  freshDirectory,
  insertEntry,
  removeEntry,
  storeDirectory,
} from '../../tree/directories.ts';
import { freshInode, loadInode, newInodeId, storeInode } from '../../tree/inodes.ts';
import { type Change, changeVolume, type View } from '../../tree/scope.ts';
import type { Volume, VolumeUsage } from '../../volumes/types.ts';
import { edit, type Mend } from './mend.ts';

const INODE = { decode: decodeInode, encode: encodeInode };

/** In the root of a volume: what has no name left and is not known to be dead. */
const LOST_AND_FOUND = Buffer.from('lost+found');
/** For who owns the root directory. */
const LOST_AND_FOUND_MODE = 0o700;
/** Of directories that are made anew: what theirs was is not known. */
export const MADE_ANEW_MODE = 0o700;

export function countsNames(layer: LayerId, id: InodeId, inode: Inode): Mend {
  return {
    doing: `counts the names of inode ${id} anew`,
    restsOnAll: true,
    *run(tx) {
      const stored = yield* tx.get(inodeKey(layer, id));
      if (!stored) return false;
      const now = decodeInode(stored);
      let nlink = 1;
      if (inode.type !== 'directory')
        nlink += (yield* tx.range({ ...linksOf(layer, id), limit: NAMES_MAX })).length;
      if (now.nlink === nlink || now.nlink === 0 || nlink >= NAMES_MAX) return false;
      tx.put(inodeKey(layer, id), encodeInode({ ...now, nlink }));
      return true;
    },
  };
}

/** More are not counted in one transaction. */
const NAMES_MAX = 100_000;

/** A place that a body lay in before it was changed. */
export function forgetsPlace(layer: LayerId, id: InodeId, content: ContentId): Mend {
  return edit(inodeKey(layer, id), INODE, {
    doing: `has inode ${id} look up where its bytes are`,
    change: (inode) => {
      const { body } = inode;
      if (body.kind !== 'content' || body.content !== content || !body.at) return undefined;
      const asked: BodyRef = { kind: 'content', content };
      return { ...inode, body: asked };
    },
  });
}

export function countsTags(
  layer: LayerId,
  id: InodeId,
  { said, tagCount }: { readonly said: number; readonly tagCount: number },
): Mend {
  return edit(inodeKey(layer, id), INODE, {
    doing: `has the object of inode ${id} say that it has ${tagCount} tags`,
    ...(tagCount < said && { restsOnAll: true }),
    change: (inode) => {
      const object = objectOf(inode);
      if (object.tagCount === tagCount) return undefined;
      return { ...inode, object: encodeObjectRecord({ ...object, tagCount }) };
    },
  });
}

/** `isThere`: one that is not, or is damaged, has nothing to be taken from. */
export function countsUsage(layer: LayerId, counted: VolumeUsage, isThere: boolean): Mend {
  return {
    doing: `has the volume say that it uses ${counted.bytes} bytes in ${counted.inodes} inodes`,
    ...(isThere && { restsOnAll: true }),
    // biome-ignore lint/correctness/useYield: it only writes.
    *run(tx) {
      tx.put(usageKey(layer), encodeUsage(counted));
      return true;
    },
  };
}

/** An inode whose first name is not there gets that back where its cookie still knows it, else one in lost+found. */
export function givesName(volume: Volume, id: InodeId): Mend {
  return {
    doing: `gives inode ${id} its name back, or one in lost+found`,
    makes: [SPACE.dentry],
    *run(tx, context) {
      const change = yield* changeVolume(tx, volume.id, context);
      const inode = yield* loadInode(change, id);
      if (yield* hasName(change, id, inode)) return false;
      if (yield* nameAgain(change, id, inode)) return true;
      yield* intoLostAndFound(change, id, inode);
      return true;
    },
  };
}

/** A further name of a file that is not there, where its cookie still knows it. */
export function givesFurtherName(volume: Volume, id: InodeId, place: Place): Mend {
  return {
    doing: `gives inode ${id} a further name back`,
    makes: [SPACE.dentry],
    *run(tx, context) {
      const change = yield* changeVolume(tx, volume.id, context);
      const inode = yield* loadInode(change, id);
      return yield* nameAgain(change, id, { ...inode, place });
    },
  };
}

/** Whether its first name leads to it, or would, were the entry there that its cookie still knows. */
export function* isNamed(view: Names, id: InodeId, inode: Inode): Op<boolean> {
  return (yield* hasName(view, id, inode)) || (yield* nameLeft(view, inode)) !== undefined;
}

type Names = Pick<View, 'tx' | 'layer'>;

function* hasName({ tx, layer }: Names, id: InodeId, inode: Inode): Op<boolean> {
  if (inode.nlink === 0) return false;
  const { parent, cookie } = inode.place;
  const cookieRecord = yield* tx.get(cookieKey(layer, parent, cookie));
  if (!cookieRecord) return false;
  const stored = yield* tx.get(dentryKey(layer, parent, decodeEntryName(cookieRecord)));
  const dentry = stored && decodeDentry(stored);
  return dentry?.inode === id && dentry.cookie === cookie;
}

/** The first name that the cookie of an inode knows, where the entry is gone. */
function* nameLeft({ tx, layer }: Names, inode: Inode): Op<EntryName | undefined> {
  if (inode.nlink === 0) return undefined;
  const { parent, cookie } = inode.place;
  const cookieRecord = yield* tx.get(cookieKey(layer, parent, cookie));
  if (!cookieRecord || !(yield* tx.get(directoryKey(layer, parent)))) return undefined;
  const entry = decodeEntryName(cookieRecord);
  if (entry.directory !== (inode.type === 'directory')) return undefined;
  return (yield* tx.get(dentryKey(layer, parent, entry))) ? undefined : entry;
}

function* nameAgain(change: Change, id: InodeId, inode: Inode): Op<boolean> {
  const { tx, layer } = change;
  const entry = yield* nameLeft(change, inode);
  if (!entry) return false;
  const { parent, cookie } = inode.place;
  const sibling = yield* tx.get(dentryKey(layer, parent, { ...entry, directory: !entry.directory }));
  const dentry = { inode: id, type: inode.type, cookie, twin: sibling !== undefined };
  tx.put(dentryKey(layer, parent, entry), encodeDentry(dentry));
  return true;
}

function* intoLostAndFound(change: Change, id: InodeId, inode: Inode): Op<InodeId> {
  const parent = yield* lostAndFound(change);
  let name = Buffer.from(`inode-${id}`);
  for (let again = 2; ; again += 1) {
    const twins = yield* findTwins(change, parent, name);
    if (!twins.directory && !twins.other) break;
    name = Buffer.from(`inode-${id}-${again}`);
  }
  const cookie = yield* insertEntry(change, { parent, name, inode: id, type: inode.type, door: 'file' });
  storeInode(change, id, { ...inode, nlink: Math.max(1, inode.nlink), place: { parent, cookie } });
  change.tx.delete(orphanKey(change.layer, id));
  return parent;
}

/** Whatever it uses is counted by the next look. */
function* lostAndFound(change: Change): Op<InodeId> {
  const { directory } = yield* findTwins(change, ROOT_INODE, LOST_AND_FOUND);
  if (directory) return directory.inode;
  const root = yield* loadInode(change, ROOT_INODE);
  const id = yield* newInodeId(change);
  const entry = { parent: ROOT_INODE, name: LOST_AND_FOUND, inode: id, type: 'directory' } as const;
  const cookie = yield* insertEntry(change, { ...entry, door: 'file' });
  const { uid, gid } = root;
  const place = { parent: ROOT_INODE, cookie };
  storeInode(
    change,
    id,
    freshInode(change, { type: 'directory', mode: LOST_AND_FOUND_MODE, uid, gid, place }),
  );
  storeDirectory(change, id, freshDirectory(change, { explicit: true }));
  return id;
}

/** Bytes that lie inline under an inode that has others, or that is gone: in a file of their own in lost+found. */
export function rescuesInline(volume: Volume, id: InodeId): Mend {
  return {
    doing: `moves the inline bytes of inode ${id} into a file in lost+found`,
    *run(tx, context) {
      const change = yield* changeVolume(tx, volume.id, context);
      const [bytes, stored] = yield* tx.getMany([inlineKey(change.layer, id), inodeKey(change.layer, id)]);
      // Of an inode whose record is damaged they may be the bytes.
      if (!bytes || (stored && decodeInode(stored).body.kind === 'inline')) return false;
      const root = yield* loadInode(change, ROOT_INODE);
      const place = root.place;
      const made = yield* newInodeId(change);
      const { uid, gid } = root;
      const bare = freshInode(change, { type: 'file', mode: RESCUED_MODE, uid, gid, place });
      tx.delete(inlineKey(change.layer, id));
      tx.put(inlineKey(change.layer, made), bytes);
      const inode = { ...bare, sizeBytes: bytes.length, body: { kind: 'inline' } } as const;
      yield* intoLostAndFound(change, made, inode);
      return true;
    },
  };
}

/** Of files. */
export const RESCUED_MODE = 0o600;

/** A directory whose parents lead in a circle: out of it, into lost+found. */
export function breaksCircle(volume: Volume, id: InodeId): Mend {
  return {
    doing: `moves directory ${id} into lost+found`,
    *run(tx, context) {
      const change = yield* changeVolume(tx, volume.id, context);
      const { layer } = change;
      const met = new Set<InodeId>();
      for (let at = id; at !== ROOT_INODE; at = (yield* loadInode(change, at)).place.parent) {
        if (met.has(at)) break;
        met.add(at);
        // One of the circle was moved before, and the others hang from it.
        if ((yield* loadInode(change, at)).place.parent === ROOT_INODE) return false;
      }
      const inode = yield* loadInode(change, id);
      const { parent, cookie } = inode.place;
      const cookieRecord = yield* tx.get(cookieKey(layer, parent, cookie));
      if (!cookieRecord) return false;
      const { name } = decodeEntryName(cookieRecord);
      const dentry = yield* findEntry(change, parent, { name, directory: true });
      if (dentry?.inode !== id) return false;
      yield* removeEntry(change, { parent, name, dentry, door: 'file' });
      yield* intoLostAndFound(change, id, inode);
      return true;
    },
  };
}

/** The root of a volume, without which nothing in it can be reached. Its state, if that is gone too, is made by the next look. */
export function makesRoot(volume: Volume): Mend {
  return {
    doing: 'makes its root anew',
    makes: [SPACE.inode],
    *run(tx, context) {
      const change = yield* changeVolume(tx, volume.id, context);
      if (yield* tx.get(inodeKey(change.layer, ROOT_INODE))) return false;
      const { uid, gid } = volume.defaults;
      const place = { parent: ROOT_INODE, cookie: freshDirectory(change, { explicit: true }).nextCookie };
      storeInode(
        change,
        ROOT_INODE,
        freshInode(change, { type: 'directory', mode: MADE_ANEW_MODE, uid, gid, place }),
      );
      return true;
    },
  };
}

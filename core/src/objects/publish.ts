/** The one place where an object comes to be at a key: PUT, copy and complete all end here. */

import type { Op } from '@facet/engine';
import { dropBody } from '../contents/bodies.ts';
import { withoutSetId } from '../files/permission.ts';
import type { InodeId, Timestamp } from '../ids.ts';
import { assert } from '../invariant.ts';
import { type EntryName, tagsKey } from '../meta/keys.ts';
import { type BodyRef, EMPTY_BODY, type Inode } from '../meta/records/inode.ts';
import { encodeObjectRecord, encodeTags, type ObjectRecord } from '../meta/records/object.ts';
import type { Dentry } from '../meta/records/tree.ts';
import { BYTES_OF_DIRECTORY, giveUpObject } from '../tree/bytesOfDirectory.ts';
import { findEntry, insertEntry, loadDirectory, removeEntry, storeDirectory } from '../tree/directories.ts';
import { dropTags, type Found, freshInode, loadInode, newInodeId, storeInode } from '../tree/inodes.ts';
import { dropName } from '../tree/links.ts';
import { adjustUsage, type Change } from '../tree/scope.ts';
import { etagText } from './etag.ts';
import { type FoundObject, STANDARD, type Target, within } from './find.ts';
import { makeDirectories } from './makeDirectories.ts';
import { givenAttributes } from './posixMetadata.ts';
import type { Checksum, Etag, ObjectAttributes, PutObjectResult, Tags } from './types.ts';

export interface NewObject extends ObjectAttributes {
  readonly sizeBytes: number;
  readonly etag: Etag;
  readonly checksum?: Checksum;
  readonly tags?: Tags;
  /** Links the bytes to the inode, which has none at that time; `keep` leaves those it has. */
  readonly body: 'keep' | ((inode: InodeId) => Op<BodyRef>);
}

/**
 * Puts an object at a key, over what is there. Links, owner and mode of a file that is there stay, unless metadata
 * say otherwise, but not what lets other bytes run as that owner or group.
 */
export function* publishObject(change: Change, found: Target, next: NewObject): Op<PutObjectResult> {
  const holdsBytes = found.path.leaf.directory && next.sizeBytes > 0;
  const target = holdsBytes ? yield* bytesOfDirectory(change, found) : found;
  const parent = yield* ensureDirectories(change, target);
  const leaf = target.path.leaf;
  const published = leaf.directory
    ? yield* publishDirectory(change, { parent, leaf, target }, next)
    : yield* publishFile(change, { parent, leaf, target }, next);
  yield* adjustUsage(change, published);
  return { etag: etagText(next.etag), lastModified: published.lastModified, sizeBytes: next.sizeBytes };
}

/** Where the bytes of an object `dir/` go. */
function* bytesOfDirectory(change: Change, found: Target): Op<Target> {
  const { dentry: directory } = found;
  const target = within(found, directory);
  if (!directory) return target;
  giveUpObject(change, { id: directory.inode, inode: yield* loadInode(change, directory.inode) });
  const hidden = yield* findEntry(change, directory.inode, BYTES_OF_DIRECTORY);
  return hidden ? { ...target, dentry: hidden } : target;
}

interface Place {
  readonly parent: InodeId;
  readonly leaf: EntryName;
  readonly target: Target;
}

/** What was put adds to the usage, and when it was modified: now, or when its metadata say. */
interface Published {
  readonly bytes: number;
  readonly inodes: number;
  readonly lastModified: Timestamp;
}

function* publishFile(change: Change, place: Place, next: NewObject): Op<Published> {
  const { parent, leaf, target } = place;
  const old = target.object;
  // What keeps its body stays what it is: a symlink's metadata can be replaced.
  if (old && (old.inode.type === 'file' || next.body === 'keep'))
    return yield* replaceFile(change, old, next);
  // A symlink or special file gives way, since what is put is a file, and so does a name that is hidden.
  if (target.dentry) yield* giveWay(change, { parent, name: leaf.name, dentry: target.dentry });
  const { uid, gid, fileMode } = change.volume.defaults;
  const id = yield* newInodeId(change);
  const cookie = yield* insertEntry(change, {
    parent,
    name: leaf.name,
    inode: id,
    type: 'file',
    door: 'object',
  });
  const inode = freshInode(change, { type: 'file', mode: fileMode, uid, gid, place: { parent, cookie } });
  const { mtime } = yield* storeFile(change, { id, inode }, next);
  return { bytes: next.sizeBytes, inodes: 1, lastModified: mtime };
}

function* giveWay(
  change: Change,
  entry: { readonly parent: InodeId; readonly name: Buffer; readonly dentry: Dentry },
): Op<Inode | undefined> {
  const { parent, dentry } = entry;
  const inode = yield* loadInode(change, dentry.inode);
  yield* removeEntry(change, { ...entry, door: 'object' });
  return yield* dropName(change, { id: dentry.inode, inode }, { parent, cookie: dentry.cookie });
}

function* replaceFile(change: Change, old: FoundObject, next: NewObject): Op<Published> {
  const { id, inode } = old;
  if (next.body !== 'keep') yield* dropBody(change, { inode: id, body: inode.body });
  dropTags(change, old);
  const { etag: _etag, storageClass: _class, checksum: _checksum, ...kept } = inode;
  const renewed = {
    ...kept,
    mode: next.body === 'keep' ? inode.mode : withoutSetId(inode.mode),
    mtime: change.now,
    ctime: change.now,
    change: inode.change + 1,
    dataVersion: inode.dataVersion + 1,
  };
  const { mtime } = yield* storeFile(change, { id, inode: renewed }, next);
  return { bytes: next.sizeBytes - inode.sizeBytes, inodes: 0, lastModified: mtime };
}

function* storeFile(change: Change, { id, inode }: Found, next: NewObject): Op<Inode> {
  const body = next.body === 'keep' ? inode.body : yield* next.body(id);
  const { etag, sizeBytes, storageClass, checksum } = next;
  const given = givenAttributes(next.userMetadata, inode.type);
  const givenAway = given.uid !== undefined || given.gid !== undefined;
  // Whoever has it now did not grant what its bits grant.
  const mode = given.mode ?? (givenAway ? withoutSetId(inode.mode) : inode.mode);
  const { uid = inode.uid, gid = inode.gid, mtime = inode.mtime } = given;
  const stored: { -readonly [K in keyof Inode]: Inode[K] } = {
    ...inode,
    uid,
    gid,
    mtime,
    mode,
    body,
    etag,
    sizeBytes,
    object: objectFor(next),
  };
  if (storageClass && storageClass !== STANDARD) stored.storageClass = storageClass;
  if (checksum) stored.checksum = { algorithm: checksum.algorithm, type: checksum.type };
  storeInode(change, id, stored);
  storeTags(change, id, next);
  return stored;
}

/** The object `dir/` without bytes. */
function* publishDirectory(change: Change, place: Place, next: NewObject): Op<Published> {
  const { parent, leaf, target } = place;
  const id = target.dentry
    ? target.dentry.inode
    : yield* makeDirectories(change, { within: parent, names: [leaf.name] });
  const state = yield* loadDirectory(change, id);
  const { mtime = state.mtime, ...given } = givenAttributes(next.userMetadata, 'directory');
  storeDirectory(change, id, {
    ...state,
    explicit: true,
    mtime,
    ctime: change.now,
    change: state.change + 1,
  });
  const body = next.body === 'keep' ? EMPTY_BODY : yield* next.body(id);
  assert(body.kind === 'empty', 'no bytes, no body');
  const { etag, storageClass } = next;
  const object = objectFor(next, {
    etag,
    lastModified: change.now,
    ...(storageClass && storageClass !== STANDARD && { storageClass }),
  });
  const inode = yield* loadInode(change, id);
  const changed = Object.keys(given).length > 0 && { ctime: change.now, change: inode.change + 1 };
  dropTags(change, { id, inode });
  storeInode(change, id, { ...inode, ...given, ...changed, object });
  storeTags(change, id, next);
  return {
    bytes: 0,
    inodes: target.dentry ? 0 : 1,
    lastModified: change.now,
  };
}

function objectFor(next: NewObject, directory?: ObjectRecord['directory']): Buffer {
  const { properties, userMetadata, checksum, tags = [] } = next;
  return encodeObjectRecord({
    properties,
    userMetadata,
    tagCount: tags.length,
    ...(checksum && { checksum }),
    ...(directory && { directory }),
  });
}

function storeTags({ tx, layer }: Change, id: InodeId, { tags = [] }: NewObject): void {
  if (tags.length > 0) tx.put(tagsKey(layer, id), encodeTags(tags));
}

/** Makes the directories of a path that do not exist yet, implicit ones. @returns the last */
function* ensureDirectories(change: Change, { trail, path }: Target): Op<InodeId> {
  const within = trail.at(-1);
  assert(within !== undefined, 'a trail begins at the root');
  const names = path.directories.slice(trail.length - 1);
  if (names.length === 0) return within;
  yield* adjustUsage(change, { bytes: 0, inodes: names.length });
  return yield* makeDirectories(change, { within, names });
}

/** From a key to the inode behind it, and what S3 says of it. */

import type { Op } from '@facet/engine';
import { FsError } from '../errors.ts';
import { type InodeId, ROOT_INODE, type Timestamp } from '../ids.ts';
import { assert } from '../invariant.ts';
import { inodeKey } from '../meta/keys.ts';
import { decodeInode, type Inode } from '../meta/records/inode.ts';
import { type ObjectRecord, objectOf } from '../meta/records/object.ts';
import type { Dentry } from '../meta/records/tree.ts';
import { BYTES_OF_DIRECTORY } from '../tree/bytesOfDirectory.ts';
import { findEntry, loadDirectory } from '../tree/directories.ts';
import type { View } from '../tree/scope.ts';
import { EMPTY_ETAG, etagText, inodeEtag } from './etag.ts';
import { type ObjectPath, parseKey } from './path.ts';
import { withAttributes } from './posixMetadata.ts';
import type { ObjectInfo } from './types.ts';

/** What a key walks through. Shorter than the path where a directory does not exist. */
interface Walked {
  /** The directories: the root first. */
  readonly trail: readonly InodeId[];
  /** Their entries; the root has none. */
  readonly dentries: readonly Dentry[];
}

export interface FoundObject {
  readonly id: InodeId;
  readonly inode: Inode;
  /** Of a directory its entries' last change, not the inode's. */
  readonly mtime: Timestamp;
  readonly dentry: Dentry;
  readonly record: ObjectRecord;
}

/** Where a key leads: what is there, and how far the path goes. */
export interface Target extends Walked {
  readonly path: ObjectPath;
  /** The entry at the end of the path, whether or not it is an object: an implicit directory and a hidden file are none. */
  readonly dentry?: Dentry;
  readonly object?: FoundObject;
}

/** @throws FsError Invalid | NameTooLong */
export function* findTarget(view: View, key: Buffer): Op<Target> {
  const path = parseKey(key);
  const trail: InodeId[] = [ROOT_INODE];
  const dentries: Dentry[] = [];
  let parent = ROOT_INODE;
  for (const name of path.directories) {
    const dentry = yield* findEntry(view, parent, { name, directory: true });
    if (!dentry) return { path, trail, dentries };
    parent = dentry.inode;
    trail.push(parent);
    dentries.push(dentry);
  }
  const dentry = yield* findEntry(view, parent, path.leaf);
  if (!dentry) return { path, trail, dentries };
  if (dentry.type === 'directory') {
    const bytes = yield* findBytes(view, dentry);
    const object = bytes && (yield* loadObject(view, bytes));
    if (object) return { ...within({ path, trail, dentries }, dentry), dentry: object.dentry, object };
  }
  const object = dentry.hidden ? undefined : yield* loadObject(view, dentry);
  return object ? { path, trail, dentries, dentry, object } : { path, trail, dentries, dentry };
}

/** The file that holds the bytes of a directory's object. */
export function* findBytes(view: View, directory: Dentry): Op<Dentry | undefined> {
  const dentry = yield* findEntry(view, directory.inode, BYTES_OF_DIRECTORY);
  return dentry?.hidden ? undefined : dentry;
}

/** From the key of a directory, whether or not it is there, to the file that has its object's bytes. */
export function within({ path, trail, dentries }: Target, directory: Dentry | undefined): Target {
  return {
    path: { directories: [...path.directories, path.leaf.name], leaf: BYTES_OF_DIRECTORY },
    trail: directory ? [...trail, directory.inode] : trail,
    dentries: directory ? [...dentries, directory] : dentries,
  };
}

/** @throws FsError NoEntry */
export function* findObject(view: View, key: Buffer): Op<FoundObject> {
  const { object } = yield* findTarget(view, key);
  if (!object) throw new FsError('NoEntry', `${key.toString()} does not exist in ${view.volume.name}`);
  return object;
}

/** The object an entry stands for; an implicit directory stands for none. */
function* loadObject(view: View, dentry: Dentry): Op<FoundObject | undefined> {
  const { tx, layer } = view;
  const id = dentry.inode;
  const stored = yield* tx.get(inodeKey(layer, id));
  assert(stored !== undefined, () => `entry of inode ${id} has its inode`);
  const inode = decodeInode(stored);
  const record = objectOf(inode);
  if (inode.type !== 'directory') return { id, inode, mtime: inode.mtime, dentry, record };
  const state = yield* loadDirectory(view, id);
  if (!state.explicit) return undefined;
  const made = record.directory ?? { etag: EMPTY_ETAG, lastModified: state.mtime };
  return { id, inode, mtime: state.mtime, dentry, record: { ...record, directory: made } };
}

export function etagOf(object: FoundObject): string {
  return etagText(object.record.directory?.etag ?? inodeEtag(object));
}

export function lastModifiedOf({ inode, record }: FoundObject): Timestamp {
  return record.directory?.lastModified ?? inode.mtime;
}

/** User metadata, with attributes as they are by now. A special file's type is in them alone. */
export function userMetadataOf({ volume }: View, object: FoundObject): ObjectRecord['userMetadata'] {
  const { inode, mtime, record } = object;
  const { type, uid, gid, mode } = inode;
  const all = volume.posixMetadata === true || (type !== 'file' && type !== 'directory');
  return withAttributes(record.userMetadata, { type, uid, gid, mode, mtime }, { all });
}

export function describe(view: View, object: FoundObject, parts?: number): ObjectInfo {
  const { id, inode, record } = object;
  const { directory, properties, checksum, tagCount } = record;
  const info: { -readonly [K in keyof ObjectInfo]: ObjectInfo[K] } = {
    inode: id,
    properties,
    userMetadata: userMetadataOf(view, object),
    tagCount,
    sizeBytes: inode.sizeBytes,
    lastModified: lastModifiedOf(object),
    etag: etagOf(object),
    storageClass: (directory ?? inode).storageClass ?? STANDARD,
  };
  if (checksum) info.checksum = checksum;
  if (parts !== undefined) info.parts = parts;
  return info;
}

export const STANDARD = 'STANDARD';

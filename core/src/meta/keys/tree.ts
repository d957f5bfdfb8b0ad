/** Keys of what a layer has: names, inodes and what belongs to them. */

import { Buffer } from 'node:buffer';
import { KEY_BYTES_MAX } from '@facet/engine';
import { FsError } from '../../errors.ts';
import type { Cookie, InodeId, LayerId } from '../../ids.ts';
import { getU32, getU64, putU64 } from '../bigEndian.ts';
import { withLayer, withLayerInode } from './prefixes.ts';
import { type Bounds, kindOfKey, prefixBounds, SPACE } from './spaces.ts';

const SLASH = 0x2f;

// ---- names ----

/** What an entry is called and whether it is a directory: two entries of one name can differ in that alone. */
export interface EntryName {
  readonly name: Buffer;
  readonly directory: boolean;
}

export function dentryKey(layer: LayerId, parent: InodeId, entry: EntryName): Buffer {
  const { name, directory } = entry;
  const key = withLayer(SPACE.dentry, layer, 8 + name.length + (directory ? 1 : 0));
  if (key.length > KEY_BYTES_MAX)
    throw new FsError('NameTooLong', `a name of ${name.length} bytes is too long`);
  putU64(key, parent, 5);
  key.set(name, 13);
  if (directory) key[key.length - 1] = SLASH;
  return key;
}

export function dentriesOf(layer: LayerId, parent: InodeId): Bounds {
  const start = withLayerInode(SPACE.dentry, layer, parent);
  return prefixBounds(start);
}

/** Where in a dentry's key its name begins, which ends with a slash for a directory. */
export const DENTRY_NAME_AT = 13;

/** The entry a dentry key names. The name is a view of the key. */
export function entryOfDentryKey(key: Uint8Array): EntryName {
  const sortName = Buffer.from(key.buffer, key.byteOffset + DENTRY_NAME_AT, key.byteLength - DENTRY_NAME_AT);
  const directory = sortName.length > 0 && sortName[sortName.length - 1] === SLASH;
  return { name: directory ? sortName.subarray(0, -1) : sortName, directory };
}

export const NAME_DIGEST_BYTES = 16;

/** `digest`: 16 bytes. */
export function longNameKey(layer: LayerId, parent: InodeId, digest: Uint8Array): Buffer {
  const key = withLayer(SPACE.longName, layer, 8 + NAME_DIGEST_BYTES);
  putU64(key, parent, 5);
  key.set(digest, 13);
  return key;
}
export const digestOfLongNameKey = (key: Uint8Array): Buffer => Buffer.from(key.subarray(13));

export function cookieKey(layer: LayerId, parent: InodeId, cookie: Cookie | number): Buffer {
  const key = withLayer(SPACE.cookie, layer, 16);
  putU64(key, parent, 5);
  putU64(key, cookie, 13);
  return key;
}
export const cookiesOf = (layer: LayerId, parent: InodeId): Bounds =>
  prefixBounds(withLayerInode(SPACE.cookie, layer, parent));
export const cookieOfKey = (key: Uint8Array): number => getU64(key, 13);

export function linkKey(layer: LayerId, inode: InodeId, place: { parent: InodeId; cookie: Cookie }): Buffer {
  const key = withLayer(SPACE.link, layer, 24);
  putU64(key, inode, 5);
  putU64(key, place.parent, 13);
  putU64(key, place.cookie, 21);
  return key;
}
export const linksOf = (layer: LayerId, inode: InodeId): Bounds =>
  prefixBounds(withLayerInode(SPACE.link, layer, inode));
export const placeOfLinkKey = (key: Uint8Array): { parent: number; cookie: number } => ({
  parent: getU64(key, 13),
  cookie: getU64(key, 21),
});

// ---- inodes ----

export const inodeKey = (layer: LayerId, inode: InodeId): Buffer => withLayerInode(SPACE.inode, layer, inode);
export const inlineKey = (layer: LayerId, inode: InodeId): Buffer =>
  withLayerInode(SPACE.inline, layer, inode);
export const tagsKey = (layer: LayerId, inode: InodeId): Buffer => withLayerInode(SPACE.tags, layer, inode);
export const orphanKey = (layer: LayerId, inode: InodeId): Buffer =>
  withLayerInode(SPACE.orphan, layer, inode);
/** The inode of any key that begins with space, layer, inode. */
export const inodeOfKey = (key: Uint8Array): number => getU64(key, 5);
export const layerOfKey = (key: Uint8Array): number => getU32(key, 1);

/** One shard while the engine is embedded. */
export function directoryKey(layer: LayerId, inode: InodeId): Buffer {
  const key = withLayer(SPACE.directory, layer, 9);
  putU64(key, inode, 5);
  key[13] = 0;
  return key;
}

export const usageKey = (layer: LayerId): Buffer => withLayer(SPACE.usage, layer, 0);
/** Every key of one kind in a layer. */
export const layerBounds = (space: number, layer: LayerId): Bounds =>
  prefixBounds(withLayer(space, layer, 0));

const OF_INODE: ReadonlySet<number | undefined> = new Set([
  SPACE.directory,
  SPACE.inline,
  SPACE.tags,
  SPACE.link,
  SPACE.orphan,
]);

/** Of a record, for a person: `12000000010000000000000005 (inode 5)`. */
export function describeKey(key: Uint8Array): string {
  return `${Buffer.from(key).toString('hex')} (${whatKeyNames(key)})`;
}

function whatKeyNames(key: Uint8Array): string {
  const kind = kindOfKey(key);
  if (key.length < DENTRY_NAME_AT) return kind;
  if (key[0] === SPACE.inode) return `inode ${inodeOfKey(key)}`;
  if (OF_INODE.has(key[0])) return `${kind} of inode ${inodeOfKey(key)}`;
  if (key[0] === SPACE.cookie || key[0] === SPACE.longName) return `${kind} of directory ${inodeOfKey(key)}`;
  if (key[0] !== SPACE.dentry) return kind;
  const name = JSON.stringify(entryOfDentryKey(key).name.toString());
  return `${kind} ${name} of directory ${inodeOfKey(key)}`;
}

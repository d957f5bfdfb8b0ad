/**
 * Every key of the metadata. The first byte names the kind; integers are big-endian, so that order is meaning.
 *
 * | byte | key | value | why the order |
 * |---|---|---|---|
 * | 01 | `format` | feature flags | |
 * | 02 | counter name | u64 | |
 * | 03 | account name | account | |
 * | 04 | access key id | access key | |
 * | 05 | volume name | volume id | listed in order of name |
 * | 06 | volume id | volume | |
 * | 07 | volume id | bucket tags | |
 * | 08 | worker instance, first container id | number of ids leased | one worker's leases lie together |
 * | 09 | volume id | export policy, as far as it was set | |
 * | 0a | client's length u8, client, xid modulo the ring u16 | answered call | one client's ring lies together |
 * | 0b | address, 00, name | host that holds locks: (empty), or what it held when the server was closed | |
 * | 0c | directory of backups, 16 bytes | the backups of it that this store knows | |
 * | 10 | layer, parent inode, name (+ `/` of a directory) | dentry | git-tree order: a walk is S3's listing order |
 * | 11 | layer, parent inode, cookie | name of the dentry | READDIR order |
 * | 12 | layer, inode | inode | |
 * | 13 | layer, directory inode, shard u8 | directory state | |
 * | 14 | layer, inode | inline bytes of a file, symlink target, or directory object | |
 * | 15 | layer, inode | object record | |
 * | 16 | layer, inode | tags | |
 * | 17 | layer, inode, parent, cookie | (empty) | further names of an inode: the first is its place |
 * | 18 | layer | usage | |
 * | 19 | layer, escaped key, upload id | upload | ListMultipartUploads order: an id begins with its time |
 * | 1a | upload id, part number u16 | part | ListParts order |
 * | 1b | upload id | completed upload's answer | |
 * | 1c | layer, inode | (empty) orphan: no name left, still open | |
 * | 1d | layer, parent inode, digest of a name | name that may be too long to show | |
 * | 30 | content | content | outside every volume: contents are shared between them |
 * | 31 | content, offset | map entry | a range read is one walk |
 * | 40 | sequence | freed content, extent, pieces or parts | the collector works in order |
 * | 41 | sequence | reclaimable runs, stamped | |
 * | 42 | container, physical offset | dead run: length, punched | neighbours coalesce |
 * | 43 | container | container record | |
 */

import { Buffer } from 'node:buffer';
import { KEY_BYTES_MAX } from '@facet/engine';
import type { ContainerId } from '@facet/extents';
import { FsError } from '../errors.ts';
import type { ContentId, Cookie, InodeId, LayerId, UploadId, VolumeId } from '../ids.ts';
import { getU32, getU64, putU32, putU64 } from './bigEndian.ts';

export const SPACE = {
  format: 0x01,
  counter: 0x02,
  account: 0x03,
  accessKey: 0x04,
  volumeName: 0x05,
  volume: 0x06,
  volumeTags: 0x07,
  lease: 0x08,
  volumeExport: 0x09,
  call: 0x0a,
  lockHost: 0x0b,
  backup: 0x0c,
  dentry: 0x10,
  cookie: 0x11,
  inode: 0x12,
  directory: 0x13,
  inline: 0x14,
  objectRecord: 0x15,
  tags: 0x16,
  link: 0x17,
  usage: 0x18,
  upload: 0x19,
  part: 0x1a,
  completed: 0x1b,
  orphan: 0x1c,
  longName: 0x1d,
  content: 0x30,
  contentMap: 0x31,
  free: 0x40,
  reclaim: 0x41,
  deadRun: 0x42,
  container: 0x43,
} as const;

/** What a key is of, as far as its first byte tells: a person reads it. */
export function kindOfKey(key: Uint8Array): string {
  return Object.entries(SPACE).find(([, space]) => space === key[0])?.[0] ?? 'nothing known';
}

export interface Bounds {
  readonly start: Buffer;
  readonly end: Buffer;
}

const SLASH = 0x2f;

function withU64(space: number, value: number): Buffer {
  const key = Buffer.allocUnsafe(9);
  key[0] = space;
  putU64(key, value, 1);
  return key;
}

function withText(space: number, text: string): Buffer {
  const key = Buffer.allocUnsafe(1 + Buffer.byteLength(text, 'utf8'));
  key[0] = space;
  key.write(text, 1, 'utf8');
  return key;
}

function withLayer(space: number, layer: LayerId, extraBytes: number): Buffer {
  const key = Buffer.allocUnsafe(5 + extraBytes);
  key[0] = space;
  putU32(key, layer, 1);
  return key;
}

function withLayerInode(space: number, layer: LayerId, inode: InodeId): Buffer {
  const key = withLayer(space, layer, 8);
  putU64(key, inode, 5);
  return key;
}

/** Every key of a space. */
export function spaceBounds(space: number): Bounds {
  return { start: Buffer.of(space), end: Buffer.of(space + 1) };
}

/** Every key that begins with `prefix`. */
export function prefixBounds(prefix: Buffer): Bounds {
  const end = Buffer.from(prefix);
  for (let at = end.length - 1; at >= 0; at -= 1) {
    const byte = end[at] ?? 0;
    if (byte < 0xff) {
      end[at] = byte + 1;
      return { start: prefix, end: end.subarray(0, at + 1) };
    }
  }
  throw new RangeError('no key sorts after a prefix of 0xff bytes');
}

/** The least key after `key`. */
export function successor(key: Uint8Array): Buffer {
  const next = Buffer.alloc(key.length + 1);
  next.set(key);
  return next;
}

// ---- the store ----

export const formatKey = (): Buffer => Buffer.of(SPACE.format);
export const counterKey = (name: string): Buffer => withText(SPACE.counter, name);
export const accountKey = (name: string): Buffer => withText(SPACE.account, name);
export const accessKeyKey = (accessKeyId: string): Buffer => withText(SPACE.accessKey, accessKeyId);
export const volumeNameKey = (name: string): Buffer => withText(SPACE.volumeName, name);
export const volumeKey = (volume: VolumeId): Buffer => withU64(SPACE.volume, volume);
export const volumeTagsKey = (volume: VolumeId): Buffer => withU64(SPACE.volumeTags, volume);
export const volumeExportKey = (volume: VolumeId): Buffer => withU64(SPACE.volumeExport, volume);
/** The volume of a volume, tags or export key. */
export const volumeOfKey = (key: Uint8Array): number => getU64(key, 1);
/** The text after the space byte of an account, access key or volume name key. */
export const textOfKey = (key: Uint8Array): string => Buffer.from(key.subarray(1)).toString('utf8');

/** `instance`: 16 bytes naming one run of one worker. */
export function leaseKey(instance: Uint8Array, first: ContainerId): Buffer {
  const key = Buffer.allocUnsafe(1 + 16 + 8);
  key[0] = SPACE.lease;
  key.set(instance, 1);
  putU64(key, first, 17);
  return key;
}
export const instanceOfLeaseKey = (key: Uint8Array): Buffer => Buffer.from(key.subarray(1, 17));
export const firstOfLeaseKey = (key: Uint8Array): number => getU64(key, 17);

/** No address has a 00 in it. */
export const lockHostKey = ({ address, name }: { readonly address: string; readonly name: string }): Buffer =>
  withText(SPACE.lockHost, `${address}\0${name}`);
export function hostOfLockHostKey(key: Uint8Array): { readonly address: string; readonly name: string } {
  const text = textOfKey(key);
  const end = text.indexOf('\0');
  return { address: text.slice(0, end), name: text.slice(end + 1) };
}

/** `repository`: 16 bytes that name a directory of backups. */
export const backupKey = (repository: Uint8Array): Buffer =>
  Buffer.concat([Buffer.of(SPACE.backup), repository]);

// ---- calls ----

/** So many calls of a client are remembered: more than it has on their way at a time. */
const CALLS_PER_CLIENT = 1024;

export function callKey(call: { readonly client: string; readonly xid: number }): Buffer {
  const length = Buffer.byteLength(call.client);
  if (length === 0 || length > 255) throw new RangeError(`not a client: ${call.client}`);
  const key = Buffer.allocUnsafe(4 + length);
  key[0] = SPACE.call;
  key[1] = length;
  key.write(call.client, 2, 'utf8');
  key.writeUInt16BE(call.xid % CALLS_PER_CLIENT, 2 + length);
  return key;
}
export const clientOfCallKey = (key: Uint8Array): string => Buffer.from(key.subarray(2, -2)).toString();
/** What names a record in an error. */
export const describeCallKey = (key: Uint8Array): string =>
  `call ${Buffer.from(key).readUInt16BE(key.length - 2)} of ${clientOfCallKey(key)}`;

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
export const objectRecordKey = (layer: LayerId, inode: InodeId): Buffer =>
  withLayerInode(SPACE.objectRecord, layer, inode);
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

// ---- uploads ----

const UPLOAD_ID_BYTES = 16;

/** Keeps byte order and ends no key inside another: 00 → 01 01, 01 → 01 02, end → 00. */
function escapeKey(key: Uint8Array): Buffer {
  let extra = 0;
  for (const byte of key) if (byte <= 1) extra += 1;
  if (extra === 0) return Buffer.concat([key, Buffer.of(0)]);
  const escaped = Buffer.allocUnsafe(key.length + extra + 1);
  let at = 0;
  for (const byte of key) {
    if (byte <= 1) {
      escaped[at] = 1;
      escaped[at + 1] = byte + 1;
      at += 2;
    } else {
      escaped[at] = byte;
      at += 1;
    }
  }
  escaped[at] = 0;
  return escaped;
}

/** Where the uploads of keys that begin with `prefix` start: the escape without its end mark. */
export function uploadsFrom(layer: LayerId, prefix: Uint8Array): Buffer {
  const escaped = escapeKey(prefix).subarray(0, -1);
  const key = withLayer(SPACE.upload, layer, escaped.length);
  key.set(escaped, 5);
  return key;
}

/** Every upload of exactly `objectKey`. */
export function uploadsOf(layer: LayerId, objectKey: Uint8Array): Bounds {
  const escaped = escapeKey(objectKey);
  const key = withLayer(SPACE.upload, layer, escaped.length);
  key.set(escaped, 5);
  return prefixBounds(key);
}

export function uploadKey(layer: LayerId, objectKey: Uint8Array, upload: UploadId): Buffer {
  const escaped = escapeKey(objectKey);
  const key = withLayer(SPACE.upload, layer, escaped.length + UPLOAD_ID_BYTES);
  // Only a key of some nine hundred NUL bytes gets here.
  if (key.length > KEY_BYTES_MAX) throw new FsError('NameTooLong', 'the key does not fit an upload record');
  key.set(escaped, 5);
  key.write(upload, 5 + escaped.length, 'hex');
  return key;
}

export function partKey(upload: UploadId, partNumber: number): Buffer {
  const key = Buffer.allocUnsafe(19);
  key[0] = SPACE.part;
  key.write(upload, 1, 'hex');
  key.writeUInt16BE(partNumber, 17);
  return key;
}
export function partsOf(upload: UploadId): Bounds {
  const prefix = Buffer.allocUnsafe(17);
  prefix[0] = SPACE.part;
  prefix.write(upload, 1, 'hex');
  return prefixBounds(prefix);
}
export const partNumberOfKey = (key: Uint8Array): number =>
  Buffer.from(key.buffer, key.byteOffset, key.byteLength).readUInt16BE(17);

export function completedKey(upload: UploadId): Buffer {
  const key = Buffer.allocUnsafe(17);
  key[0] = SPACE.completed;
  key.write(upload, 1, 'hex');
  return key;
}

// ---- contents ----

export const contentKey = (content: ContentId): Buffer => withU64(SPACE.content, content);
export const contentOfKey = (key: Uint8Array): number => getU64(key, 1);

export function contentMapKey(content: ContentId, offset: number): Buffer {
  const key = Buffer.allocUnsafe(17);
  key[0] = SPACE.contentMap;
  putU64(key, content, 1);
  putU64(key, offset, 9);
  return key;
}
export const contentMapOf = (content: ContentId): Bounds => prefixBounds(withU64(SPACE.contentMap, content));
export const offsetOfMapKey = (key: Uint8Array): number => getU64(key, 9);

// ---- space ----

export const freeKey = (sequence: number): Buffer => withU64(SPACE.free, sequence);
export const reclaimKey = (sequence: number): Buffer => withU64(SPACE.reclaim, sequence);
/** The sequence of a free or reclaim key. */
export const sequenceOfKey = (key: Uint8Array): number => getU64(key, 1);

export function deadRunKey(container: ContainerId, offset: number): Buffer {
  const key = Buffer.allocUnsafe(17);
  key[0] = SPACE.deadRun;
  putU64(key, container, 1);
  putU64(key, offset, 9);
  return key;
}
export const deadRunsOf = (container: ContainerId): Bounds => prefixBounds(withU64(SPACE.deadRun, container));
export const containerOfRunKey = (key: Uint8Array): number => getU64(key, 1);
export const offsetOfRunKey = (key: Uint8Array): number => getU64(key, 9);
export const containerKey = (container: ContainerId): Buffer => withU64(SPACE.container, container);

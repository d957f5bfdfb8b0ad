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
 * | 12 | layer, inode | inode, and what S3 knows of it as an object | |
 * | 13 | layer, directory inode, shard u8 | directory state | |
 * | 14 | layer, inode | inline bytes of a file, or symlink target | |
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

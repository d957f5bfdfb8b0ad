/** ListObjects: a page costs what is on it, not what is in the volume. */

import { Buffer, isUtf8 } from 'node:buffer';
import type { Op, ReadTx } from '@facet/engine';
import type { InodeId, Timestamp } from '../ids.ts';
import { assert } from '../invariant.ts';
import { prefixBounds, successor } from '../meta/keys.ts';
import { decodeInode, decodeListedInode } from '../meta/records/inode.ts';
import { objectOf } from '../meta/records/object.ts';
import { loadDirectory } from '../tree/directories.ts';
import { readInodeRecords } from '../tree/inodeRecords.ts';
import { type View, viewVolume } from '../tree/scope.ts';
import { EMPTY_ETAG, etagText, inodeEtag } from './etag.ts';
import { findBytes, STANDARD } from './find.ts';
import { KEY_BYTES_MAX } from './path.ts';
import type { ListObjectsArgs, ListObjectsResult, ObjectSummary } from './types.ts';
import { KeyWalk, type Visit } from './walk.ts';

/**
 * A page ends here even if it is not full: it is read in one go, and a thousand keys of a thousand directories each
 * would stop everything else for twenty seconds. About 20 µs a step that deep, 3 µs where directories are few.
 */
const STEPS_MAX = 5_000;

interface ObjectLine {
  readonly kind: 'object';
  readonly visit: Visit;
  /** When a directory without an object of its own last changed. */
  readonly madeAt?: Timestamp;
}

type Line = ObjectLine | { readonly kind: 'prefix'; readonly prefix: Buffer };

export function* listObjects(tx: ReadTx, args: ListObjectsArgs): Op<ListObjectsResult> {
  const view = yield* viewVolume(tx, args.volume);
  const from = firstKey(args);
  if (!from || args.limit === 0) return { entries: [], truncated: false };
  const { lines, truncated } = yield* collect(view, args, from);
  return { entries: yield* summarise(view, lines), truncated };
}

/** Where the page begins. A common prefix that was listed is skipped whole. */
function firstKey({ after, prefix, delimiter }: ListObjectsArgs): Buffer | undefined {
  if (!after || Buffer.compare(after, prefix) < 0) return prefix;
  const common = commonPrefix(after, { prefix, delimiter });
  return common?.length === after.length ? afterAll(after) : successor(after);
}

/** The least key after every key that begins with `prefix`; undefined when there can be none. */
function afterAll(prefix: Buffer): Buffer | undefined {
  return prefix.every((byte) => byte === 0xff) ? undefined : prefixBounds(prefix).end;
}

/** What a key is listed under: the key up to the first delimiter after the prefix, if there is one. */
function commonPrefix(
  key: Buffer,
  { prefix, delimiter }: { prefix: Buffer; delimiter: Buffer },
): Buffer | undefined {
  if (delimiter.length === 0 || !beginsWith(key, prefix)) return undefined;
  const at = placeOf(delimiter, key, prefix.length);
  return at < 0 ? undefined : key.subarray(0, at + delimiter.length);
}

/** A loop: keys are short, and a call of Buffer's takes longer. */
function beginsWith(key: Buffer, prefix: Buffer): boolean {
  if (key.length < prefix.length) return false;
  for (let at = 0; at < prefix.length; at++) if (key[at] !== prefix[at]) return false;
  return true;
}

/** Where it is first in `key` from `start` on; -1: nowhere. */
function placeOf(delimiter: Buffer, key: Buffer, start: number): number {
  if (delimiter.length > 1) return key.indexOf(delimiter, start);
  const [byte] = delimiter;
  for (let at = start; at < key.length; at++) if (key[at] === byte) return at;
  return -1;
}

/** POSIX names need not be keys. */
function isKey(path: Buffer): boolean {
  if (path.length > KEY_BYTES_MAX) return false;
  let bits = 0;
  for (let at = 0; at < path.length; at++) bits |= path[at] ?? 0;
  return bits < 0x80 || isUtf8(path);
}

function* collect(
  view: View,
  args: ListObjectsArgs,
  from: Buffer,
): Op<{ readonly lines: readonly Line[]; readonly truncated: boolean }> {
  const lines: Line[] = [];
  const walk = yield* new KeyWalk(view, args.prefix).seek(from);
  for (;;) {
    if (walk.steps > STEPS_MAX && lines.length > 0) return { lines, truncated: true };
    const visit = walk.nextRead() ?? (yield* walk.next(args.limit - lines.length + 1));
    if (!visit) return { lines, truncated: false };
    if (visit.dentry.hidden) continue;
    const directory = visit.dentry.type === 'directory';
    // Below a directory that is no key there are none either.
    if (!isKey(visit.key)) continue;
    const common = commonPrefix(visit.key, args);
    const line: Line | undefined = common
      ? { kind: 'prefix', prefix: common }
      : directory
        ? yield* directoryLine(view, visit)
        : { kind: 'object', visit };
    if (line && lines.length === args.limit) return { lines, truncated: true };
    if (line) lines.push(line);
    if (!common && directory) walk.enter(visit);
    if (common && !(directory && common.length === visit.key.length)) {
      const past = afterAll(common);
      if (!past) return { lines, truncated: false };
      yield* walk.seek(past);
    }
  }
}

/** An implicit directory is no object, and one whose object has bytes is followed by these. */
function* directoryLine(view: View, visit: Visit): Op<Line | undefined> {
  const state = yield* loadDirectory(view, visit.dentry.inode);
  if (!state.explicit || (state.entries > 0 && (yield* findBytes(view, visit.dentry)))) return undefined;
  return { kind: 'object', visit, madeAt: state.mtime };
}

function* summarise(view: View, lines: readonly Line[]): Op<ListObjectsResult['entries']> {
  const files: InodeId[] = [];
  const directories: InodeId[] = [];
  for (const line of lines) {
    if (line.kind === 'prefix') continue;
    const { type, inode } = line.visit.dentry;
    (type === 'directory' ? directories : files).push(inode);
  }
  const inodes = yield* readInodeRecords(view, files);
  const inodesOfDirectories = yield* readInodeRecords(view, directories);
  let [nextFile, nextDirectory] = [0, 0];
  return lines.map((line) => {
    if (line.kind === 'prefix') return line;
    return line.visit.dentry.type === 'directory'
      ? listedDirectory(line, inodesOfDirectories[nextDirectory++])
      : listedFile(line.visit, inodes[nextFile++]);
  });
}

/** Written out: to spread one object into another takes as long as to decode it. */
function listedFile(
  { key, dentry }: Visit,
  stored: Uint8Array | undefined,
): { readonly kind: 'object' } & ObjectSummary {
  assert(stored !== undefined, () => `entry of inode ${dentry.inode} has its inode`);
  const inode = decodeListedInode(stored);
  const { sizeBytes, mtime: lastModified, storageClass = STANDARD, checksum } = inode;
  const etag = etagText(inodeEtag({ id: dentry.inode, inode }));
  return checksum
    ? { kind: 'object', key, sizeBytes, lastModified, etag, storageClass, checksum }
    : { kind: 'object', key, sizeBytes, lastModified, etag, storageClass };
}

function listedDirectory(
  { visit: { key, dentry }, madeAt }: ObjectLine,
  stored: Uint8Array | undefined,
): { readonly kind: 'object' } & ObjectSummary {
  assert(stored !== undefined, () => `entry of inode ${dentry.inode} has its inode`);
  const { directory: object, checksum } = objectOf(decodeInode(stored));
  assert(object || madeAt !== undefined, 'an explicit directory was made at some time');
  return {
    kind: 'object',
    key,
    sizeBytes: 0,
    lastModified: object?.lastModified ?? (madeAt as Timestamp),
    etag: etagText(object?.etag ?? EMPTY_ETAG),
    storageClass: object?.storageClass ?? STANDARD,
    ...(checksum && { checksum: { algorithm: checksum.algorithm, type: checksum.type } }),
  };
}

/** ListObjects: a page costs what is on it, not what is in the volume. */

import { isUtf8 } from 'node:buffer';
import type { Op, ReadTx } from '@facet/engine';
import type { Timestamp } from '../ids.ts';
import { assert } from '../invariant.ts';
import { inodeKey, objectRecordKey, prefixBounds, successor } from '../meta/keys.ts';
import { decodeInode } from '../meta/records/inode.ts';
import { decodeObjectRecord } from '../meta/records/object.ts';
import { loadDirectory } from '../tree/directories.ts';
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

/** `madeAt`: when a directory without an object of its own last changed. */
type Line =
  | { readonly kind: 'object'; readonly visit: Visit; readonly madeAt?: Timestamp }
  | { readonly kind: 'prefix'; readonly prefix: Buffer };

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
  if (delimiter.length === 0 || !key.subarray(0, prefix.length).equals(prefix)) return undefined;
  const at = key.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : key.subarray(0, at + delimiter.length);
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
    const visit = yield* walk.next(args.limit - lines.length + 1);
    if (!visit) return { lines, truncated: false };
    if (visit.dentry.hidden) continue;
    const directory = visit.dentry.type === 'directory';
    // POSIX names need not be keys; below a directory that is none there are none either.
    if (visit.key.length > KEY_BYTES_MAX || !isUtf8(visit.key)) continue;
    const common = commonPrefix(visit.key, args);
    const line = common ? { kind: 'prefix' as const, prefix: common } : yield* objectLine(view, visit);
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
function* objectLine(view: View, visit: Visit): Op<Line | undefined> {
  if (visit.dentry.type !== 'directory') return { kind: 'object', visit };
  const state = yield* loadDirectory(view, visit.dentry.inode);
  if (!state.explicit || (state.entries > 0 && (yield* findBytes(view, visit.dentry)))) return undefined;
  return { kind: 'object', visit, madeAt: state.mtime };
}

function* summarise(view: View, lines: readonly Line[]): Op<ListObjectsResult['entries']> {
  const { tx, layer } = view;
  const objects = lines.flatMap((line) => (line.kind === 'object' ? [line.visit] : []));
  const stored = yield* tx.getMany(
    objects.map(({ dentry }) =>
      dentry.type === 'directory' ? objectRecordKey(layer, dentry.inode) : inodeKey(layer, dentry.inode),
    ),
  );
  const records = stored[Symbol.iterator]();
  return lines.map((line) => {
    if (line.kind === 'prefix') return line;
    const record = records.next().value;
    const { visit } = line;
    const summary =
      visit.dentry.type === 'directory' ? directorySummary(record, line.madeAt) : fileSummary(visit, record);
    return { kind: 'object' as const, key: visit.key, ...summary };
  });
}

function fileSummary(visit: Visit, stored: Uint8Array | undefined): Omit<ObjectSummary, 'key'> {
  assert(stored !== undefined, `entry of inode ${visit.dentry.inode} has its inode`);
  const inode = decodeInode(stored);
  return {
    sizeBytes: inode.sizeBytes,
    lastModified: inode.mtime,
    etag: etagText(inodeEtag({ id: visit.dentry.inode, inode })),
    storageClass: inode.storageClass ?? STANDARD,
    ...(inode.checksum && { checksum: inode.checksum }),
  };
}

function directorySummary(
  stored: Uint8Array | undefined,
  madeAt: Timestamp | undefined,
): Omit<ObjectSummary, 'key'> {
  const record = stored && decodeObjectRecord(stored);
  const object = record?.directory;
  assert(object || madeAt !== undefined, 'an explicit directory was made at some time');
  const { checksum } = record ?? {};
  return {
    sizeBytes: 0,
    lastModified: object?.lastModified ?? (madeAt as Timestamp),
    etag: etagText(object?.etag ?? EMPTY_ETAG),
    storageClass: object?.storageClass ?? STANDARD,
    ...(checksum && { checksum: { algorithm: checksum.algorithm, type: checksum.type } }),
  };
}

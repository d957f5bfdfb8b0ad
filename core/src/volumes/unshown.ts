/**
 * Files that S3 cannot show, since their paths are no keys: not UTF-8, or too long. A rename far above can make a
 * million such paths or mend them, so that nobody keeps count of them: they are counted when they are asked for, a page
 * of the volume after the other, up to a bound.
 */

import { isUtf8 } from 'node:buffer';
import type { Op, ReadTx } from '@facet/engine';
import type { Commands } from '../commands/command.ts';
import { type InodeId, ROOT_INODE, type VolumeId } from '../ids.ts';
import { dentriesOf, entryOfDentryKey, successor } from '../meta/keys.ts';
import { decodeDentry } from '../meta/records/tree.ts';
import { KEY_BYTES_MAX } from '../objects/path.ts';
import { type View, viewVolume } from '../tree/scope.ts';
import type { Unshown } from './types.ts';

/** A few seconds' work. */
const ENTRIES_MAX = 1_000_000;
/** Of one look at the store: others wait for it. */
const DIRECTORIES_PER_PAGE = 32;
const ENTRIES_PER_DIRECTORY = 256;
const PATHS_MAX = 10;

/** A directory that is still to be looked at, or the rest of one. */
interface Directory {
  readonly id: InodeId;
  readonly name: Buffer;
  readonly above?: Directory;
  /** Of the path to its entries, the last slash included. */
  readonly pathBytes: number;
  /** What is below has no key whatever its name. */
  readonly hasNoKey: boolean;
  readonly from?: Buffer;
}

interface Seen {
  readonly entries: number;
  readonly directories: readonly Directory[];
  readonly unshown: readonly { readonly path: () => Buffer; readonly directory: boolean }[];
}

/** @throws FsError NoSuchVolume */
export async function countUnshown(
  commands: Commands,
  volume: VolumeId,
  { entriesMax = ENTRIES_MAX }: { readonly entriesMax?: number } = {},
): Promise<Unshown> {
  const left: Directory[] = [{ id: ROOT_INODE, name: Buffer.alloc(0), pathBytes: 0, hasNoKey: false }];
  const paths: Buffer[] = [];
  let [files, directories, looked] = [0, 0, 0];
  while (left.length > 0 && looked < entriesMax) {
    const page = left.splice(-DIRECTORIES_PER_PAGE);
    const seen = await commands.read('countUnshown', (tx) => look(tx, { volume, page }));
    looked += seen.entries;
    left.push(...seen.directories);
    for (const { path, directory } of seen.unshown) {
      if (directory) directories += 1;
      else files += 1;
      if (paths.length < PATHS_MAX) paths.push(path());
    }
  }
  return { files, directories, paths, complete: left.length === 0 };
}

function* look(
  tx: ReadTx,
  { volume, page }: { readonly volume: VolumeId; readonly page: readonly Directory[] },
): Op<Seen> {
  const view = yield* viewVolume(tx, volume);
  const seen: { entries: number; directories: Directory[]; unshown: Seen['unshown'][number][] } = {
    entries: 0,
    directories: [],
    unshown: [],
  };
  // The rest of a directory goes before what is in it, which is looked at first then: so little is left at a time.
  for (const directory of page) yield* lookInto(view, directory, seen);
  return seen;
}

function* lookInto(
  { tx, layer }: View,
  above: Directory,
  seen: { entries: number; directories: Directory[]; unshown: Seen['unshown'][number][] },
): Op<number> {
  const { start, end } = dentriesOf(layer, above.id);
  const entries = yield* tx.range({ start: above.from ?? start, end, limit: ENTRIES_PER_DIRECTORY });
  const last = entries.at(-1);
  if (last && entries.length === ENTRIES_PER_DIRECTORY) {
    seen.directories.push({ ...above, from: successor(last.key) });
  }
  for (const { key, value } of entries) {
    const { name, directory } = entryOfDentryKey(key);
    const pathBytes = above.pathBytes + name.length + (directory ? 1 : 0);
    const hasNoKey = above.hasNoKey || pathBytes > KEY_BYTES_MAX || !isUtf8(name);
    if (!directory && !hasNoKey) continue;
    const { inode, hidden } = decodeDentry(value);
    if (directory) seen.directories.push({ id: inode, name, above, pathBytes, hasNoKey });
    if (hasNoKey && !hidden) seen.unshown.push({ directory, path: () => pathOf(above, name) });
  }
  seen.entries += entries.length;
  return entries.length;
}

function pathOf(directory: Directory, name: Buffer): Buffer {
  const names = [name];
  for (let at: Directory | undefined = directory; at?.above; at = at.above)
    names.push(Buffer.from('/'), at.name);
  return Buffer.concat(names.reverse());
}

/**
 * Directories and their entries: the one implementation of insert, remove and look-up that the file view and
 * the object view share, so that twins, cookies, counts and times have one set of rules.
 */

import type { Op } from '@facet/engine';
import { FsError } from '../errors.ts';
import { type Cookie, cookie, type InodeId } from '../ids.ts';
import { assert } from '../invariant.ts';
import { cookieKey, dentryKey, directoryKey, type EntryName } from '../meta/keys.ts';
import type { InodeType } from '../meta/records/inode.ts';
import {
  type Dentry,
  type DirectoryState,
  decodeDentry,
  decodeDirectoryState,
  encodeDentry,
  encodeDirectoryState,
  encodeEntryName,
} from '../meta/records/tree.ts';
import { indexName, unindexName } from './longNames.ts';
import type { Change, View } from './scope.ts';

/** Which door an entry comes or goes by: a change by the file view makes an implicit directory explicit. */
export type Door = 'file' | 'object';

/** @throws FsError Stale */
export function* loadDirectory(view: View, id: InodeId): Op<DirectoryState> {
  const stored = yield* view.tx.get(directoryKey(view.layer, id));
  if (!stored) throw new FsError('Stale', `directory ${id} of volume ${view.volume.name} does not exist`);
  return decodeDirectoryState(stored);
}

export function storeDirectory(change: Change, id: InodeId, state: DirectoryState): void {
  change.tx.put(directoryKey(change.layer, id), encodeDirectoryState(state));
}

/** The state of a directory that has just been made. */
export function freshDirectory(change: Change, how: { readonly explicit: boolean }): DirectoryState {
  return {
    mtime: change.now,
    ctime: change.now,
    change: 1,
    subdirectories: 0,
    entries: 0,
    nextCookie: cookie(FIRST_COOKIE),
    explicit: how.explicit,
  };
}

/** READDIR gives `.` cookie 1 and `..` cookie 2; 0 starts a listing. */
const FIRST_COOKIE = 3;

export function* findEntry(view: View, parent: InodeId, entry: EntryName): Op<Dentry | undefined> {
  const stored = yield* view.tx.get(dentryKey(view.layer, parent, entry));
  return stored && decodeDentry(stored);
}

/** Both entries a name can have. */
export interface Twins {
  readonly directory: Dentry | undefined;
  readonly other: Dentry | undefined;
}

export function* findTwins(view: View, parent: InodeId, name: Buffer): Op<Twins> {
  const [directory, other] = yield* view.tx.getMany([
    dentryKey(view.layer, parent, { name, directory: true }),
    dentryKey(view.layer, parent, { name, directory: false }),
  ]);
  return { directory: directory && decodeDentry(directory), other: other && decodeDentry(other) };
}

export interface NewEntry {
  readonly parent: InodeId;
  readonly name: Buffer;
  readonly inode: InodeId;
  readonly type: InodeType;
  readonly hidden?: true;
  /** Where in the directory's order, if not at the end: a place that is free and was given out before. */
  readonly place?: Cookie;
  readonly door: Door;
}

/**
 * Adds a name. The caller has made sure that it is free.
 * @returns the cookie the entry got: what an inode's place is made of.
 */
export function* insertEntry(change: Change, entry: NewEntry): Op<Cookie> {
  const state = yield* loadDirectory(change, entry.parent);
  const twins = yield* findTwins(change, entry.parent, entry.name);
  return addEntry(change, entry, { state, twins }).cookie;
}

/**
 * The same for a caller that has read, in this transaction, the directory's state and what has the name.
 * @returns also the directory's state after.
 */
export function addEntry(
  change: Change,
  entry: NewEntry,
  { state, twins }: { readonly state: DirectoryState; readonly twins: Twins },
): { readonly cookie: Cookie; readonly state: DirectoryState } {
  const { tx, layer } = change;
  const { parent, name } = entry;
  const directory = entry.type === 'directory';
  assert(!(directory ? twins.directory : twins.other), 'an entry of that name is already there');
  const sibling = directory ? twins.other : twins.directory;
  const place = entry.place ?? state.nextCookie;
  const key = dentryKey(layer, parent, { name, directory });
  const twin = sibling !== undefined;
  const { inode, type, hidden } = entry;
  tx.put(key, encodeDentry({ inode, type, cookie: place, twin, ...(hidden && { hidden }) }));
  tx.put(cookieKey(layer, parent, place), encodeEntryName({ name, directory }));
  indexName(change, parent, name);
  if (sibling) {
    tx.put(dentryKey(layer, parent, { name, directory: !directory }), encodeDentry({ ...sibling, twin }));
  }
  const after = {
    ...touched(change, state, entry.door),
    entries: state.entries + 1,
    subdirectories: state.subdirectories + (directory ? 1 : 0),
    nextCookie: entry.place === undefined ? cookie(place + 1) : state.nextCookie,
  };
  storeDirectory(change, parent, after);
  return { cookie: place, state: after };
}

export interface GoingEntry {
  readonly parent: InodeId;
  readonly name: Buffer;
  readonly dentry: Dentry;
  readonly door: Door;
}

/** Takes a name away. The caller deals with the inode. @returns the directory's state after. */
export function* removeEntry(change: Change, entry: GoingEntry): Op<DirectoryState> {
  return yield* takeEntry(change, entry, yield* loadDirectory(change, entry.parent));
}

/** The same for a caller that has read the directory's state in this transaction. */
export function* takeEntry(change: Change, entry: GoingEntry, state: DirectoryState): Op<DirectoryState> {
  const { tx, layer } = change;
  const { parent, name, dentry } = entry;
  const directory = dentry.type === 'directory';
  assert(state.entries > 0, 'a directory has at least the entry that goes');
  tx.delete(dentryKey(layer, parent, { name, directory }));
  tx.delete(cookieKey(layer, parent, dentry.cookie));
  if (dentry.twin) {
    const sibling = yield* findEntry(change, parent, { name, directory: !directory });
    assert(sibling !== undefined, 'a twin has a sibling');
    tx.put(
      dentryKey(layer, parent, { name, directory: !directory }),
      encodeDentry({ ...sibling, twin: false }),
    );
  } else {
    unindexName(change, parent, name);
  }
  const after = {
    ...touched(change, state, entry.door),
    entries: state.entries - 1,
    subdirectories: state.subdirectories - (directory ? 1 : 0),
  };
  storeDirectory(change, parent, after);
  return after;
}

/** Points an existing name at another inode of the same kind (directory or not); the cookie stays. */
export function* repointEntry(
  change: Change,
  entry: {
    readonly parent: InodeId;
    readonly name: Buffer;
    readonly dentry: Dentry;
    readonly to: Pick<NewEntry, 'inode' | 'type' | 'hidden'>;
    readonly door: Door;
  },
): Op<Dentry> {
  const { parent, name, dentry, to } = entry;
  const directory = dentry.type === 'directory';
  assert(directory === (to.type === 'directory'), 'a name keeps its place in the order');
  const state = yield* loadDirectory(change, parent);
  const { cookie: place, twin } = dentry;
  const next = { cookie: place, twin, ...to };
  change.tx.put(dentryKey(change.layer, parent, { name, directory }), encodeDentry(next));
  storeDirectory(change, parent, touched(change, state, entry.door));
  return next;
}

/** What every change of a directory's entries does to it. */
function touched(change: Change, state: DirectoryState, door: Door): DirectoryState {
  return {
    ...state,
    mtime: change.now,
    ctime: change.now,
    change: state.change + 1,
    explicit: state.explicit || door === 'file',
  };
}

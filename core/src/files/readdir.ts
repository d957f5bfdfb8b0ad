/** READDIR: a walk of the cookie index, which a change elsewhere in the directory does not disturb. */

import type { Op, ReadTx } from '@facet/engine';
import { FsError } from '../errors.ts';
import { InvariantError } from '../invariant.ts';
import { cookieKey, cookieOfKey, cookiesOf, dentryKey } from '../meta/keys.ts';
import { decodeDentry, decodeEntryName } from '../meta/records/tree.ts';
import { type View, viewVolume } from '../tree/scope.ts';
import { attributesOf, type DirectoryNode, loadDirectoryNode, nodesOf } from './nodes.ts';
import { mustAllow, READ } from './permission.ts';
import type { DirectoryEntry, FileAttributes, ReaddirArgs } from './types.ts';

/** One page holds at most as many, whatever was asked for: a page is one operation. */
const ENTRIES_MAX = 4096;
const SELF_COOKIE = 1;
const PARENT_COOKIE = 2;

interface Page {
  readonly entries: readonly DirectoryEntry[];
  readonly end: boolean;
  readonly directory: FileAttributes;
}

export function* readdir(tx: ReadTx, args: ReaddirArgs): Op<Page> {
  const { after } = args;
  if (!Number.isSafeInteger(after) || after < 0) throw new FsError('BadCookie', `${after} is no cookie`);
  const view = yield* viewVolume(tx, args.directory.volume);
  const directory = yield* loadDirectoryNode(view, args.directory);
  mustAllow(args.caller, directory, READ);
  const limit = Math.min(args.limit, ENTRIES_MAX);
  const dots = dotEntries(directory).filter((entry) => entry.cookie > after);
  const named = yield* namedEntries(view, directory, {
    after: Math.max(after, PARENT_COOKIE),
    // One more than is given tells whether more follow.
    limit: Math.max(0, limit - dots.length) + 1,
  });
  const all = [...dots, ...named];
  const entries = all.slice(0, limit);
  return {
    entries: args.attributes ? yield* withAttributes(view, entries) : entries,
    end: all.length <= limit,
    directory: attributesOf(view, directory),
  };
}

function dotEntries({ id, inode }: DirectoryNode): readonly DirectoryEntry[] {
  const both = { type: 'directory', twin: false } as const;
  return [
    { name: Buffer.from('.'), cookie: SELF_COOKIE, inode: id, ...both },
    { name: Buffer.from('..'), cookie: PARENT_COOKIE, inode: inode.place.parent, ...both },
  ];
}

function* namedEntries(
  view: View,
  { id }: DirectoryNode,
  page: { readonly after: number; readonly limit: number },
): Op<readonly DirectoryEntry[]> {
  const { tx, layer } = view;
  const start = cookieKey(layer, id, page.after + 1);
  const found = yield* tx.range({ start, end: cookiesOf(layer, id).end, limit: page.limit });
  const names = found.map(({ value }) => decodeEntryName(value));
  const dentries = yield* tx.getMany(names.map((name) => dentryKey(layer, id, name)));
  const entries: DirectoryEntry[] = [];
  let index = 0;
  for (const { key } of found) {
    const [named, stored] = [names[index], dentries[index]];
    if (!named || !stored) throw new InvariantError(`a cookie of directory ${id} has its entry`);
    const { inode, type, twin } = decodeDentry(stored);
    entries.push({ name: named.name, cookie: cookieOfKey(key), inode, type, twin });
    index += 1;
  }
  return entries;
}

function* withAttributes(view: View, entries: readonly DirectoryEntry[]): Op<readonly DirectoryEntry[]> {
  const nodes = yield* nodesOf(view, entries);
  return entries.map(({ name, cookie, inode, type, twin }, index) => {
    const node = nodes[index];
    if (!node) throw new InvariantError(`inode ${inode}, which has a name, exists`);
    return { name, cookie, inode, type, twin, attributes: attributesOf(view, node) };
  });
}

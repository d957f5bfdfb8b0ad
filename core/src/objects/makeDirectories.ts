/** The implicit directories that a key walks through and that do not exist yet. */

import type { Op } from '@facet/engine';
import { take } from '../commands/counter.ts';
import { type Cookie, cookie, type InodeId, inodeId } from '../ids.ts';
import { cookieKey, dentryKey } from '../meta/keys.ts';
import { encodeDentry, encodeEntryName } from '../meta/records/tree.ts';
import { freshDirectory, insertEntry, storeDirectory } from '../tree/directories.ts';
import { freshInode, inodeIdsOf, storeInode } from '../tree/inodes.ts';
import { indexName } from '../tree/longNames.ts';
import type { Change } from '../tree/scope.ts';

/**
 * Makes directories one in another: as one chain, since a key may have a thousand. The caller has made sure that the
 * first name is free, and counts them in the usage.
 * @returns the last
 */
export function* makeDirectories(
  change: Change,
  { within, names }: { readonly within: InodeId; readonly names: readonly Buffer[] },
): Op<InodeId> {
  const { uid, gid, directoryMode } = change.volume.defaults;
  const firstId = yield* take(change.tx, { name: inodeIdsOf(change), count: names.length });
  let parent = within;
  for (const [depth, name] of names.entries()) {
    const entry = { parent, name, inode: inodeId(firstId + depth) };
    // Only the first has a directory around it that holds other entries, too, and had to be read.
    const place =
      depth === 0
        ? yield* insertEntry(change, { ...entry, type: 'directory', door: 'object' })
        : storeOnlyEntry(change, entry);
    const inode = freshInode(change, {
      type: 'directory',
      mode: directoryMode,
      uid,
      gid,
      place: { parent, cookie: place },
    });
    storeInode(change, entry.inode, inode);
    parent = entry.inode;
  }
  if (names.length > 0) storeDirectory(change, parent, freshDirectory(change, { explicit: false }));
  return parent;
}

/** The first entry of a directory that is made just now, and its state, which says that it has one. */
function storeOnlyEntry(
  change: Change,
  { parent, name, inode }: { readonly parent: InodeId; readonly name: Buffer; readonly inode: InodeId },
): Cookie {
  const { tx, layer } = change;
  const state = freshDirectory(change, { explicit: false });
  const place = state.nextCookie;
  const entry = { name, directory: true };
  tx.put(
    dentryKey(layer, parent, entry),
    encodeDentry({ inode, type: 'directory', cookie: place, twin: false }),
  );
  tx.put(cookieKey(layer, parent, place), encodeEntryName(entry));
  indexName(change, parent, name);
  storeDirectory(change, parent, {
    ...state,
    change: state.change + 1,
    entries: 1,
    subdirectories: 1,
    nextCookie: cookie(place + 1),
  });
  return place;
}

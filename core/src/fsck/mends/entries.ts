/** Entries: what leads to them, and what they lead to. */

import { cookie, type InodeId, ROOT_INODE } from '../../ids.ts';
import {
  cookieKey,
  cookieOfKey,
  cookiesOf,
  dentryKey,
  directoryKey,
  type EntryName,
  inlineKey,
  inodeKey,
  linkKey,
  SPACE,
} from '../../meta/keys.ts';
import { decodeInode, encodeInode } from '../../meta/records/inode.ts';
import {
  decodeDentry,
  decodeDirectoryState,
  decodeEntryName,
  encodeDentry,
  encodeDirectoryState,
  encodeEntryName,
} from '../../meta/records/tree.ts';
import { findEntry, removeEntry } from '../../tree/directories.ts';
import { freshInode, loadInode, storeInode } from '../../tree/inodes.ts';
import { changeVolume } from '../../tree/scope.ts';
import type { Volume } from '../../volumes/types.ts';
import { isNamed, MADE_ANEW_MODE, RESCUED_MODE } from './inodes.ts';
import type { Mend } from './mend.ts';
import type { At } from './names.ts';

/** POSIX looks at what a symbolic link leads to, never at its own. */
const SYMLINK_MODE = 0o777;

/** Of two entries with one cookie the one that the cookie does not lead to: what it leads to finds it under a new one. */
export function givesCookie({ layer, parent }: At, entry: EntryName): Mend {
  const key = dentryKey(layer, parent, entry);
  return {
    doing: 'gives it a cookie of its own',
    *run(tx) {
      const [stored, stateStored] = yield* tx.getMany([key, directoryKey(layer, parent)]);
      if (!stored || !stateStored) return false;
      const dentry = decodeDentry(stored);
      const indexed = yield* tx.get(cookieKey(layer, parent, dentry.cookie));
      const leads = indexed && decodeEntryName(indexed);
      if (!leads || (leads.directory === entry.directory && leads.name.equals(entry.name))) return false;
      const state = decodeDirectoryState(stateStored);
      const [greatest] = yield* tx.range({ ...cookiesOf(layer, parent), limit: 1, reverse: true });
      const fresh = cookie(Math.max(state.nextCookie, greatest ? cookieOfKey(greatest.key) + 1 : 0));
      tx.put(key, encodeDentry({ ...dentry, cookie: fresh }));
      tx.put(cookieKey(layer, parent, fresh), encodeEntryName(entry));
      const nextCookie = cookie(fresh + 1);
      tx.put(directoryKey(layer, parent), encodeDirectoryState({ ...state, nextCookie }));
      const other = yield* tx.get(dentryKey(layer, parent, leads));
      const [from, to] = [
        { parent, cookie: dentry.cookie },
        { parent, cookie: fresh },
      ];
      const [inodeStored, link] = yield* tx.getMany([
        inodeKey(layer, dentry.inode),
        linkKey(layer, dentry.inode, from),
      ]);
      // Where both lead to one file, that knows the other by the old one.
      if (!inodeStored || (other && decodeDentry(other).inode === dentry.inode)) return true;
      const inode = decodeInode(inodeStored);
      if (inode.place.parent === parent && inode.place.cookie === dentry.cookie) {
        tx.put(inodeKey(layer, dentry.inode), encodeInode({ ...inode, place: to }));
      } else if (link) {
        tx.delete(linkKey(layer, dentry.inode, from));
        tx.put(linkKey(layer, dentry.inode, to), Buffer.alloc(0));
      }
      return true;
    },
  };
}

/** A name that the inode does not know of: its first, where nothing else names it, else a further one. */
export function recordsName({ layer, parent }: At, entry: EntryName, id: InodeId): Mend {
  return {
    doing: `has inode ${id} know this name`,
    *run(tx) {
      const [entryStored, stored] = yield* tx.getMany([dentryKey(layer, parent, entry), inodeKey(layer, id)]);
      const dentry = entryStored && decodeDentry(entryStored);
      if (!stored || dentry?.inode !== id) return false;
      const place = { parent, cookie: dentry.cookie };
      const key = linkKey(layer, id, place);
      const inode = decodeInode(stored);
      const isFirst = inode.place.parent === parent && inode.place.cookie === place.cookie;
      if (isFirst || (yield* tx.get(key))) return false;
      if (!(yield* isNamed({ tx, layer }, id, inode))) {
        tx.put(inodeKey(layer, id), encodeInode({ ...inode, nlink: Math.max(1, inode.nlink), place }));
        return true;
      }
      if (inode.type === 'directory') return false;
      tx.put(key, Buffer.alloc(0));
      tx.put(inodeKey(layer, id), encodeInode({ ...inode, nlink: inode.nlink + 1 }));
      return true;
    },
  };
}

/** A file or symbolic link that is gone, and whose bytes lie inline still, at the name that leads to it. */
export function makesFile(volume: Volume, parent: InodeId, entry: EntryName): Mend {
  return {
    doing: 'makes the file anew, since its bytes are there; its attributes and metadata are lost',
    makes: [SPACE.inode],
    *run(tx, context) {
      const change = yield* changeVolume(tx, volume.id, context);
      const { layer } = change;
      const dentry = yield* findEntry(change, parent, entry);
      if (entry.directory || (dentry?.type !== 'file' && dentry?.type !== 'symlink')) return false;
      const { inode: id, type } = dentry;
      const [stored, bytes, above, state] = yield* tx.getMany([
        inodeKey(layer, id),
        inlineKey(layer, id),
        inodeKey(layer, parent),
        directoryKey(layer, parent),
      ]);
      if (stored || !bytes || bytes.length === 0) return false;
      // A directory that is gone itself is made anew where its own name is.
      if (above ? decodeInode(above).type !== 'directory' : !state) return false;
      const { uid, gid } = yield* loadInode(change, ROOT_INODE);
      const mode = type === 'symlink' ? SYMLINK_MODE : RESCUED_MODE;
      const place = { parent, cookie: dentry.cookie };
      tx.delete(linkKey(layer, id, place));
      storeInode(change, id, {
        ...freshInode(change, { type, mode, uid, gid, place }),
        sizeBytes: bytes.length,
        body: { kind: 'inline' },
      });
      return true;
    },
  };
}

/** A directory that is gone, and has entries still, or a state, at the name that leads to it. The next look makes a state. */
export function makesDirectory(
  volume: Volume,
  parent: InodeId,
  { entry, since }: { readonly entry: EntryName; readonly since: 'entries' | 'a state' },
): Mend {
  return {
    doing: `makes the directory anew, since it has ${since}`,
    makes: [SPACE.inode],
    *run(tx, context) {
      const change = yield* changeVolume(tx, volume.id, context);
      const dentry = yield* findEntry(change, parent, entry);
      if (dentry?.type !== 'directory' || (yield* tx.get(inodeKey(change.layer, dentry.inode)))) return false;
      const { uid, gid } = yield* loadInode(change, ROOT_INODE);
      const place = { parent, cookie: dentry.cookie };
      storeInode(
        change,
        dentry.inode,
        freshInode(change, { type: 'directory', mode: MADE_ANEW_MODE, uid, gid, place }),
      );
      return true;
    },
  };
}

/** An entry whose inode does not exist: there is nothing that it could lead to. */
export function dropsEntry(volume: Volume, parent: InodeId, entry: EntryName): Mend {
  return {
    doing: 'removes it',
    restsOnAll: true,
    *run(tx, context) {
      const change = yield* changeVolume(tx, volume.id, context);
      const dentry = yield* findEntry(change, parent, entry);
      if (!dentry || (yield* tx.get(inodeKey(change.layer, dentry.inode)))) return false;
      if (entry.directory !== (dentry.type === 'directory')) return false;
      yield* removeEntry(change, { parent, name: entry.name, dentry, door: 'file' });
      return true;
    },
  };
}

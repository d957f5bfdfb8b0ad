/** Entries, their cookies, and what directories say of them. */

import { cookie, type InodeId, type LayerId, timestamp } from '../../ids.ts';
import {
  cookieKey,
  cookieOfKey,
  cookiesOf,
  dentriesOf,
  dentryKey,
  directoryKey,
  type EntryName,
  entryOfDentryKey,
  inodeKey,
  longNameKey,
  SPACE,
} from '../../meta/keys.ts';
import { decodeInode, type InodeType } from '../../meta/records/inode.ts';
import {
  type Dentry,
  type DirectoryState,
  decodeDentry,
  decodeDirectoryState,
  encodeDentry,
  encodeDirectoryState,
  encodeEntryName,
  encodeLongName,
} from '../../meta/records/tree.ts';
import { nameDigest } from '../../tree/longNames.ts';
import { edit, type Mend } from './mend.ts';

const DENTRY = { decode: decodeDentry, encode: encodeDentry };
const STATE = { decode: decodeDirectoryState, encode: encodeDirectoryState };

export interface At {
  readonly layer: LayerId;
  readonly parent: InodeId;
}

const FIRST_COOKIE = 3;
const PAGE = 500;

export function countsEntries(
  { layer, parent }: At,
  counted: Pick<DirectoryState, 'entries' | 'subdirectories'>,
): Mend {
  return edit(directoryKey(layer, parent), STATE, {
    doing: `has directory ${parent} say that it has ${counted.entries} entries, ${counted.subdirectories} of them directories`,
    restsOnAll: true,
    change: (state) => ({ ...state, ...counted }),
  });
}

export function movesNextCookie({ layer, parent }: At, used: number): Mend {
  return edit(directoryKey(layer, parent), STATE, {
    doing: `has directory ${parent} give out cookies after ${used}`,
    change: (state) => (state.nextCookie > used ? undefined : { ...state, nextCookie: cookie(used + 1) }),
  });
}

export function keepsDirectory({ layer, parent }: At): Mend {
  return edit(directoryKey(layer, parent), STATE, {
    doing: `keeps the empty directory ${parent}`,
    change: (state) => (state.explicit ? undefined : { ...state, explicit: true }),
  });
}

export function marksTwin(at: At, entry: EntryName, twin: boolean): Mend {
  return edit(dentryKey(at.layer, at.parent, entry), DENTRY, {
    doing: twin ? 'marks it as a twin' : 'takes the mark of a twin from it',
    ...(!twin && { restsOnAll: true }),
    change: (dentry) => (dentry.twin === twin ? undefined : { ...dentry, twin }),
  });
}

/** The inode knows what it is. Undefined where the name is in the place of the other kind. */
export function setsType(at: At, entry: EntryName, type: InodeType): Mend | undefined {
  if (entry.directory !== (type === 'directory')) return undefined;
  return edit(dentryKey(at.layer, at.parent, entry), DENTRY, {
    doing: `has it say that it is a ${type}`,
    change: ({ hidden, ...dentry }: Dentry) => ({
      ...dentry,
      type,
      ...(hidden && type !== 'directory' && { hidden }),
    }),
  });
}

/** Where the cookie is free. */
export function indexesCookie(at: At, entry: EntryName, dentry: Dentry): Mend {
  const key = cookieKey(at.layer, at.parent, dentry.cookie);
  return {
    doing: `has cookie ${dentry.cookie} of directory ${at.parent} lead to it`,
    makes: [SPACE.cookie],
    *run(tx) {
      if (yield* tx.get(key)) return false;
      tx.put(key, encodeEntryName(entry));
      return true;
    },
  };
}

export function indexesLongName(at: At, name: Buffer): Mend {
  const key = longNameKey(at.layer, at.parent, nameDigest(name));
  return {
    doing: 'has its digest lead to it',
    makes: [SPACE.longName],
    *run(tx) {
      if (yield* tx.get(key)) return false;
      tx.put(key, encodeLongName(name));
      return true;
    },
  };
}

/** As its entries and cookies say: it stays, whatever it was made by. */
export function makesState({ layer, parent }: At): Mend {
  return {
    doing: `makes the state of directory ${parent} from its entries`,
    // What is left out of a count is counted when it is mended.
    makes: [SPACE.directory, SPACE.dentry, SPACE.cookie],
    *run(tx, { now }) {
      if (yield* tx.get(directoryKey(layer, parent))) return false;
      let [entries, subdirectories, last] = [0, 0, FIRST_COOKIE - 1];
      let { start } = dentriesOf(layer, parent);
      for (const { end } = dentriesOf(layer, parent); ; ) {
        const page = yield* tx.range({ start, end, limit: PAGE });
        for (const { key } of page) {
          entries += 1;
          subdirectories += entryOfDentryKey(key).directory ? 1 : 0;
        }
        const lastKey = page.at(-1)?.key;
        if (!lastKey || page.length < PAGE) break;
        start = Buffer.concat([lastKey, Buffer.of(0)]);
      }
      const [greatest] = yield* tx.range({ ...cookiesOf(layer, parent), limit: 1, reverse: true });
      if (greatest) last = Math.max(last, cookieOfKey(greatest.key));
      const stored = yield* tx.get(inodeKey(layer, parent));
      const time = stored ? decodeInode(stored).mtime : timestamp(now);
      const state = { mtime: time, ctime: now, change: 1, explicit: true };
      const nextCookie = cookie(last + 1);
      tx.put(
        directoryKey(layer, parent),
        encodeDirectoryState({ ...state, entries, subdirectories, nextCookie }),
      );
      return true;
    },
  };
}

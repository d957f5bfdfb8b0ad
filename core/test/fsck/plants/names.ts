/** Damage of entries and directories. */

import { cookie, inodeId, ROOT_INODE } from '../../../src/ids.ts';
import { cookieKey, directoryKey, inodeKey, linkKey, longNameKey } from '../../../src/meta/keys.ts';
import { encodeInode } from '../../../src/meta/records/inode.ts';
import {
  decodeDirectoryState,
  encodeDirectoryState,
  encodeEntryName,
  encodeLongName,
} from '../../../src/meta/records/tree.ts';
import { nameDigest } from '../../../src/tree/longNames.ts';
import { LONG_NAME } from '../richStore.ts';
import { LAYER } from '../vandal.ts';
import type { Plants } from './plant.ts';

const NOBODY = inodeId(9_999);
const NUL_NAME = Buffer.from('a\0b');

export const NAMES_PLANTS = {
  entryWithoutInode: [
    {
      what: 'a new entry',
      plant: async (store) => {
        await store.addEntry(ROOT_INODE, 'ghost', { inode: NOBODY, type: 'file' });
      },
    },
  ],
  entryTypeWrong: [
    { what: 'a file', plant: (store) => store.editDentry('inline', { type: 'fifo' }) },
    { what: 'a hidden directory', plant: (store) => store.editDentry('dir/', { hidden: true }) },
  ],
  entryOutsideDirectory: [
    {
      what: 'an entry of a file',
      plant: async (store) => {
        const parent = await store.inodeOf('inline');
        const inode = await store.inodeOf('file');
        const state = decodeDirectoryState(await store.get(directoryKey(LAYER, ROOT_INODE)));
        // Made with a state, which is taken away again: the state alone would be another fault.
        await store.put(
          directoryKey(LAYER, parent),
          encodeDirectoryState({ ...state, nextCookie: cookie(3) }),
        );
        const at = await store.addEntry(parent, 'inner', { inode, type: 'file' });
        await store.remove(directoryKey(LAYER, parent));
        await store.put(linkKey(LAYER, inode, { parent, cookie: at }), Buffer.alloc(0));
        await store.editInode('file', ({ nlink }) => ({ nlink: nlink + 1 }));
      },
    },
  ],
  cookieIndexWrong: [
    {
      what: 'a second cookie',
      plant: (store) =>
        store.put(
          cookieKey(LAYER, ROOT_INODE, 2),
          encodeEntryName({ name: Buffer.from('inline'), directory: false }),
        ),
    },
    {
      what: 'a cookie of nothing',
      plant: (store) =>
        store.put(
          cookieKey(LAYER, ROOT_INODE, 2),
          encodeEntryName({ name: Buffer.from('ghost'), directory: false }),
        ),
    },
    {
      what: 'no cookie',
      plant: async (store) => {
        const { parent, dentry } = await store.dentry('inline');
        await store.remove(cookieKey(LAYER, parent, dentry.cookie));
      },
      also: ['inodeWithoutName'],
    },
    {
      what: 'one cookie of two',
      plant: async (store) => {
        const { parent, dentry } = await store.dentry('inline');
        const { cookie: at } = (await store.dentry('packed')).dentry;
        await store.remove(cookieKey(LAYER, parent, dentry.cookie));
        await store.editDentry('inline', { cookie: at });
        await store.editInode('inline', () => ({ place: { parent, cookie: at } }));
      },
      also: ['inodeWithoutName'],
    },
    {
      what: 'one cookie of two, and the inode knows another',
      plant: async (store) =>
        store.editDentry('inline', { cookie: (await store.dentry('packed')).dentry.cookie }),
      also: ['inodeWithoutName', 'nameNotRecorded'],
    },
    {
      what: 'the cookie of an entry that is gone',
      plant: async (store) => {
        const { parent, dentry } = await store.dentry('inline');
        const entry = { name: Buffer.from('ghost'), directory: false };
        await store.put(cookieKey(LAYER, parent, dentry.cookie), encodeEntryName(entry));
      },
      also: ['inodeWithoutName'],
    },
  ],
  cookieBeyondNext: [
    {
      what: 'the next one',
      plant: (store) => store.editState(ROOT_INODE, () => ({ nextCookie: cookie(4) })),
    },
  ],
  twinMarkWrong: [
    { what: 'no twin', plant: (store) => store.editDentry('inline', { twin: true }) },
    { what: 'no mark', plant: (store) => store.editDentry('twin', { twin: false }) },
    { what: 'no mark on the directory', plant: (store) => store.editDentry('twin/', { twin: false }) },
  ],
  longNameWrong: [
    {
      what: 'no index',
      plant: (store) => store.remove(longNameKey(LAYER, ROOT_INODE, nameDigest(LONG_NAME))),
    },
    {
      what: 'an index of nothing',
      plant: (store) => store.put(longNameKey(LAYER, ROOT_INODE, Buffer.alloc(16)), encodeLongName(NUL_NAME)),
    },
    {
      what: 'another digest',
      plant: (store) =>
        store.put(longNameKey(LAYER, ROOT_INODE, Buffer.alloc(16)), encodeLongName(LONG_NAME)),
    },
    {
      what: 'an index of a short name',
      plant: (store) =>
        store.put(
          longNameKey(LAYER, ROOT_INODE, nameDigest(Buffer.from('inline'))),
          encodeLongName(Buffer.from('inline')),
        ),
    },
  ],
  entryCountWrong: [
    {
      what: 'entries',
      plant: (store) => store.editState(ROOT_INODE, ({ entries }) => ({ entries: entries + 1 })),
    },
    {
      what: 'directories',
      plant: (store) =>
        store.editState(ROOT_INODE, ({ subdirectories }) => ({ subdirectories: subdirectories - 1 })),
    },
    {
      what: 'entries of an empty directory',
      plant: async (store) => store.editState(await store.inodeOf('made/below/'), () => ({ entries: 1 })),
    },
  ],
  directoryStateMissing: [
    {
      what: 'an empty directory',
      plant: async (store) => store.remove(directoryKey(LAYER, await store.inodeOf('made/below/'))),
    },
    { what: 'the root', plant: (store) => store.remove(directoryKey(LAYER, ROOT_INODE)) },
  ],
  directoryStateStray: [
    {
      what: 'of a file',
      plant: async (store) => {
        const state = await store.get(directoryKey(LAYER, await store.inodeOf('made/below/')));
        await store.put(directoryKey(LAYER, await store.inodeOf('inline')), state);
      },
    },
    {
      what: 'of nothing',
      plant: async (store) => {
        const state = await store.get(directoryKey(LAYER, await store.inodeOf('made/below/')));
        await store.put(directoryKey(LAYER, NOBODY), state);
      },
    },
  ],
  implicitDirectoryEmpty: [
    {
      what: 'a directory',
      plant: async (store) =>
        store.editState(await store.inodeOf('made/below/'), () => ({ explicit: false })),
    },
  ],
  directoryUnreachable: [
    {
      what: 'a circle',
      plant: async (store) => {
        const inner = await store.inodeOf('made/below/');
        const outer = await store.inode('made/');
        const { inode, type } = await store.removeEntry('made/');
        const at = await store.addEntry(inner, 'made', { inode, type });
        await store.put(
          inodeKey(LAYER, inode),
          encodeInode({ ...outer, place: { parent: inner, cookie: at } }),
        );
      },
    },
  ],
} satisfies Partial<Plants>;

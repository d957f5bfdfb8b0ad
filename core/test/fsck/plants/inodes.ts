import { cookie, inodeId, ROOT_INODE } from '../../../src/ids.ts';
import { inlineKey, inodeKey, linkKey, orphanKey, tagsKey } from '../../../src/meta/keys.ts';
import { encodeInode } from '../../../src/meta/records/inode.ts';
import {
  encodeObjectRecord,
  encodeTags,
  type ObjectRecord,
  objectOf,
} from '../../../src/meta/records/object.ts';
import { LAYER, type Vandal } from '../vandal.ts';
import type { Plants } from './plant.ts';

const NOBODY = inodeId(9_999);

function editObject(store: Vandal, path: string, change: Partial<ObjectRecord>): Promise<void> {
  return store.editInode(path, (inode) => ({
    object: encodeObjectRecord({ ...objectOf(inode), ...change }),
  }));
}

export const INODES_PLANTS = {
  inodeWithoutName: [
    {
      what: 'a new inode',
      plant: async (store) => {
        const inode = await store.inode('inline');
        const id = inodeId(await store.take(`inode/${LAYER}`));
        const place = { parent: ROOT_INODE, cookie: cookie(9_999) };
        await store.put(inodeKey(LAYER, id), encodeInode({ ...inode, body: { kind: 'empty' }, place }));
        await store.use({ bytes: inode.sizeBytes, inodes: 1 });
      },
    },
  ],
  nameNotRecorded: [
    {
      what: 'one more entry',
      plant: async (store) => {
        await store.addEntry(ROOT_INODE, 'alias', { inode: await store.inodeOf('inline'), type: 'file' });
      },
    },
    {
      what: 'a second name of a directory',
      plant: async (store) => {
        await store.addEntry(ROOT_INODE, 'alias', { inode: await store.inodeOf('made/'), type: 'directory' });
      },
    },
    {
      what: 'the only name of a file',
      plant: (store) =>
        store.editInode('inline', ({ place }) => ({ place: { ...place, cookie: cookie(9_999) } })),
      also: ['inodeWithoutName'],
    },
    {
      what: 'the only name of a directory',
      plant: (store) =>
        store.editInode('made/', ({ place }) => ({ place: { ...place, cookie: cookie(9_999) } })),
      also: ['inodeWithoutName'],
    },
  ],
  linkCountWrong: [
    { what: 'too many', plant: (store) => store.editInode('file', () => ({ nlink: 3 })) },
    { what: 'too few', plant: (store) => store.editInode('file', () => ({ nlink: 1 })) },
    { what: 'a directory', plant: (store) => store.editInode('made/', () => ({ nlink: 2 })) },
  ],
  linkWrong: [
    {
      what: 'a link to nothing',
      plant: async (store) => {
        const place = { parent: ROOT_INODE, cookie: cookie(9_998) };
        await store.put(linkKey(LAYER, await store.inodeOf('inline'), place), Buffer.alloc(0));
        await store.editInode('inline', () => ({ nlink: 2 }));
      },
    },
    {
      what: 'the first name',
      plant: async (store) => {
        const { place } = await store.inode('inline');
        await store.put(linkKey(LAYER, await store.inodeOf('inline'), place), Buffer.alloc(0));
        await store.editInode('inline', () => ({ nlink: 2 }));
      },
    },
  ],
  orphanMarkWrong: [
    {
      what: 'on a file with a name',
      plant: async (store) => store.put(orphanKey(LAYER, await store.inodeOf('inline')), Buffer.alloc(0)),
    },
    { what: 'on nothing', plant: (store) => store.put(orphanKey(LAYER, NOBODY), Buffer.alloc(0)) },
    {
      what: 'no mark',
      plant: async (store) => {
        const inode = await store.inode('inline');
        const id = inodeId(await store.take(`inode/${LAYER}`));
        await store.put(inodeKey(LAYER, id), encodeInode({ ...inode, body: { kind: 'empty' }, nlink: 0 }));
        await store.use({ bytes: inode.sizeBytes, inodes: 1 });
      },
    },
  ],
  inlineMissing: [
    {
      what: 'of a file',
      plant: async (store) => store.remove(inlineKey(LAYER, await store.inodeOf('inline'))),
    },
  ],
  inlineStray: [
    {
      what: 'of a file with a content',
      plant: async (store) => store.put(inlineKey(LAYER, await store.inodeOf('packed')), Buffer.of(1)),
    },
    { what: 'of nothing', plant: (store) => store.put(inlineKey(LAYER, NOBODY), Buffer.of(1)) },
  ],
  inlineLengthWrong: [
    {
      what: 'too many bytes',
      plant: async (store) => store.put(inlineKey(LAYER, await store.inodeOf('inline')), Buffer.alloc(101)),
    },
  ],
  checksumWrong: [
    {
      what: 'of the object alone',
      plant: (store) =>
        editObject(store, 'packed', {
          checksum: { algorithm: 'SHA1', type: 'FULL_OBJECT', value: Buffer.alloc(20) },
        }),
    },
    {
      what: 'of the inode alone',
      plant: (store) =>
        store.editInode('packed', () => ({ checksum: { algorithm: 'SHA1', type: 'FULL_OBJECT' } })),
    },
  ],
  tagCountWrong: [
    { what: 'too many', plant: (store) => editObject(store, 'packed', { tagCount: 2 }) },
    { what: 'none there', plant: (store) => editObject(store, 'other', { tagCount: 1 }) },
    { what: 'none counted', plant: (store) => editObject(store, 'packed', { tagCount: 0 }) },
    {
      what: 'no object',
      plant: async (store) => {
        const tags = encodeTags([{ key: 'colour', value: 'red' }]);
        await store.put(tagsKey(LAYER, await store.inodeOf('file')), tags);
      },
    },
    {
      what: 'no inode',
      plant: (store) => store.put(tagsKey(LAYER, NOBODY), encodeTags([{ key: 'colour', value: 'red' }])),
    },
  ],
  usageWrong: [
    { what: 'bytes', plant: (store) => store.use({ bytes: 1, inodes: 0 }) },
    { what: 'inodes', plant: (store) => store.use({ bytes: 0, inodes: -1 }) },
  ],
} satisfies Partial<Plants>;

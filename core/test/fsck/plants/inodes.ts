import { cookie, inodeId, ROOT_INODE, timestamp } from '../../../src/ids.ts';
import { inlineKey, inodeKey, linkKey, objectRecordKey, orphanKey, tagsKey } from '../../../src/meta/keys.ts';
import { encodeInode } from '../../../src/meta/records/inode.ts';
import {
  decodeObjectRecord,
  encodeObjectRecord,
  encodeTags,
  type ObjectRecord,
} from '../../../src/meta/records/object.ts';
import { LAYER, type Vandal } from '../vandal.ts';
import type { Plants } from './plant.ts';

const NOBODY = inodeId(9_999);

async function editRecord(store: Vandal, path: string, change: Partial<ObjectRecord>): Promise<void> {
  const key = objectRecordKey(LAYER, await store.inodeOf(path));
  await store.put(key, encodeObjectRecord({ ...decodeObjectRecord(await store.get(key)), ...change }));
}

export const INODES_PLANTS = {
  inodeWithoutName: [
    {
      what: 'a new inode',
      plant: async (store) => {
        const { etag: _, ...inode } = await store.inode('inline');
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
        const { etag: _, ...inode } = await store.inode('inline');
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
  objectRecordStray: [
    {
      what: 'of nothing',
      plant: (store) =>
        store.put(
          objectRecordKey(LAYER, NOBODY),
          encodeObjectRecord({ properties: {}, userMetadata: {}, tagCount: 0 }),
        ),
    },
    {
      what: 'a directory’s, of a file',
      plant: async (store) => {
        const etag = { digest: Buffer.alloc(16), parts: 0 };
        const directory = {
          body: { kind: 'empty' },
          sizeBytes: 0,
          etag,
          lastModified: timestamp(1n),
        } as const;
        await editRecord(store, 'packed', { directory });
      },
    },
  ],
  objectRecordMissing: [
    {
      what: 'of an object',
      plant: async (store) => store.remove(objectRecordKey(LAYER, await store.inodeOf('other'))),
    },
  ],
  checksumWrong: [
    {
      what: 'in one record',
      plant: (store) =>
        editRecord(store, 'packed', {
          checksum: { algorithm: 'SHA1', type: 'FULL_OBJECT', value: Buffer.alloc(20) },
        }),
    },
  ],
  tagCountWrong: [
    { what: 'too many', plant: (store) => editRecord(store, 'packed', { tagCount: 2 }) },
    { what: 'none there', plant: (store) => editRecord(store, 'other', { tagCount: 1 }) },
    {
      what: 'no object',
      plant: async (store) => {
        const tags = encodeTags([{ key: 'colour', value: 'red' }]);
        await store.put(tagsKey(LAYER, await store.inodeOf('file')), tags);
      },
    },
    {
      what: 'no record of an object that was put',
      plant: async (store) => store.remove(objectRecordKey(LAYER, await store.inodeOf('packed'))),
      also: ['objectRecordMissing'],
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

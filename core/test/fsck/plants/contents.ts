import { containerId } from '@facet/extents';
import { FREE_SEQUENCE } from '../../../src/contents/bodies.ts';
import type { PlacedEntry } from '../../../src/contents/plan.ts';
import { contentId, parseUploadId, timestamp } from '../../../src/ids.ts';
import {
  completedKey,
  contentMapKey,
  contentMapOf,
  freeKey,
  offsetOfMapKey,
  partKey,
  SPACE,
  uploadKey,
} from '../../../src/meta/keys.ts';
import { decodeMapEntry, encodeMapEntry, type MapEntry } from '../../../src/meta/records/content.ts';
import { encodeFree } from '../../../src/meta/records/space.ts';
import { encodeCompleted, encodePart } from '../../../src/meta/records/upload.ts';
import { LAYER, type Vandal } from '../vandal.ts';
import type { Plants } from './plant.ts';

/** The map entries of a file's content. */
async function mapOf(store: Vandal, path: string) {
  const content = await store.contentOf(path);
  const entries = await store.world.life.engine.read((tx) =>
    tx.range({ ...contentMapOf(content), limit: 100 }),
  );
  const map = entries.map(({ key, value }) => ({
    offset: offsetOfMapKey(key),
    entry: decodeMapEntry(value),
  }));
  const at = (index: number) => {
    const mapped = map.at(index);
    if (!mapped) throw new Error(`${path} has no map entry ${index}`);
    return { ...mapped, key: contentMapKey(content, mapped.offset) };
  };
  const edit = async (index: number, change: (entry: MapEntry) => MapEntry) => {
    const { key, entry } = at(index);
    await store.put(key, encodeMapEntry(change(entry)));
  };
  const remove = async (index: number) => store.remove(at(index).key);
  return { content, edit, remove };
}

/** An entry more, which the content knows of. */
async function addTo(store: Vandal, path: string, { offset, entry }: PlacedEntry): Promise<void> {
  const id = await store.contentOf(path);
  const { mappedBytes = 0 } = await store.content(id);
  await store.put(contentMapKey(id, offset), encodeMapEntry(entry));
  await store.editContent(id, { mappedBytes: mappedBytes + entry.lengthBytes });
}

/** A file, its content and its last map entry say one byte more. */
async function lengthenLast(store: Vandal, path: string): Promise<void> {
  const { content, edit } = await mapOf(store, path);
  const { lengthBytes } = await store.content(content);
  await edit(-1, (entry) => {
    if (entry.kind === 'inline') throw new Error('an inline entry is as long as its bytes');
    return { ...entry, lengthBytes: entry.lengthBytes + 1 };
  });
  await store.editContent(content, { lengthBytes: lengthBytes + 1, mappedBytes: lengthBytes + 1 });
  await store.editInode(path, ({ sizeBytes }) => ({ sizeBytes: sizeBytes + 1 }));
}

async function only(store: Vandal, space: number) {
  const [entry, more] = await store.all(space);
  if (!entry || more) throw new Error(`there is not exactly one record in space ${space}`);
  return entry;
}

export const CONTENTS_PLANTS = {
  contentMissing: [
    {
      what: 'of a part',
      plant: (store) => store.addPart({ content: contentId(999_999), sizeBytes: 10 }),
    },
    { what: 'of low id', plant: (store) => store.addPart({ content: contentId(3_000), sizeBytes: 10 }) },
  ],
  rememberedPlaceWrong: [
    {
      what: 'of a body in pieces',
      plant: (store) =>
        store.editInode('file', ({ body }) => {
          if (body.kind !== 'content') throw new Error('it has a content');
          return { body: { ...body, at: { store: 1, container: containerId(1), offset: 0 } } };
        }),
    },
  ],
  contentLengthWrong: [
    {
      what: 'a file',
      plant: (store) => store.editInode('packed', ({ sizeBytes }) => ({ sizeBytes: sizeBytes + 1 })),
    },
    { what: 'a part', plant: (store) => store.addPart({ sizeBytes: 1 }) },
  ],
  contentShapeWrong: [
    {
      what: 'one extent and a map',
      plant: async (store) => {
        const entry = { kind: 'inline', lengthBytes: 1, bytes: Buffer.of(1) } as const;
        await store.put(contentMapKey(await store.contentOf('packed'), 0), encodeMapEntry(entry));
      },
    },
    {
      what: 'an extent of another length',
      plant: async (store) => {
        const content = await store.contentOf('packed');
        const { lengthBytes } = await store.content(content);
        await store.editContent(content, { lengthBytes: lengthBytes - 1 });
        await store.editInode('packed', () => ({ sizeBytes: lengthBytes - 1 }));
      },
    },
    {
      what: 'one extent with parts',
      plant: async (store) => store.editContent(await store.contentOf('packed'), { hasParts: true }),
    },
  ],
  referenceCountWrong: [
    {
      what: 'too many',
      plant: async (store) => store.editContent(await store.contentOf('packed'), { refs: 2 }),
    },
    { what: 'too few', plant: async (store) => store.editContent(await store.contentOf('big'), { refs: 1 }) },
  ],
  zeroReferencesNotFreed: [
    { what: 'not in the queue', plant: async (store) => store.remove((await only(store, SPACE.free)).key) },
  ],
  freedTwice: [
    {
      what: 'twice in the queue',
      plant: async (store) => {
        const { value } = await only(store, SPACE.free);
        await store.put(freeKey(await store.take(FREE_SEQUENCE)), value);
      },
    },
  ],
  freeRecordStray: [
    {
      what: 'no content',
      plant: async (store) => {
        const record = encodeFree({ kind: 'content', content: contentId(999_999) });
        await store.put(freeKey(await store.take(FREE_SEQUENCE)), record);
      },
    },
    {
      what: 'a content in use',
      plant: async (store) => {
        const record = encodeFree({ kind: 'content', content: await store.contentOf('packed') });
        await store.put(freeKey(await store.take(FREE_SEQUENCE)), record);
      },
    },
  ],
  mapWithoutContent: [
    {
      what: 'inline bytes',
      plant: (store) => {
        const entry = { kind: 'inline', lengthBytes: 1, bytes: Buffer.of(1) } as const;
        return store.put(contentMapKey(contentId(999_999), 0), encodeMapEntry(entry));
      },
    },
  ],
  mapOverlap: [
    {
      what: 'one in another',
      plant: async (store) => {
        const entry = { kind: 'inline', lengthBytes: 1, bytes: Buffer.of(1) } as const;
        await addTo(store, 'file', { offset: 5, entry });
      },
    },
  ],
  mapBeyondLength: [
    {
      what: 'an entry at the end',
      plant: async (store) => {
        const entry = { kind: 'inline', lengthBytes: 1, bytes: Buffer.of(1) } as const;
        await addTo(store, 'file', { offset: 70_000, entry });
      },
    },
  ],
  mapOutsideExtent: [{ what: 'the last entry', plant: (store) => lengthenLast(store, 'file') }],
  referenceOutOfRange: [{ what: 'the last part', plant: (store) => lengthenLast(store, 'joined') }],
  referenceTooDeep: [
    {
      what: 'one more',
      plant: async (store) => {
        const joined = await store.contentOf('joined');
        const content = await store.addContent({ lengthBytes: 100, shape: { kind: 'map' } });
        const entry = { kind: 'ref', lengthBytes: 100, content: joined, start: 50 } as const;
        await store.put(contentMapKey(content, 0), encodeMapEntry(entry));
        await store.editContent(joined, { refs: 2 });
      },
    },
  ],
  selfContainedWrong: [
    {
      what: 'an object of parts',
      plant: async (store) => store.editContent(await store.contentOf('joined'), { selfContained: true }),
    },
  ],
  mappedBytesWrong: [
    {
      what: 'one of three entries lost',
      plant: async (store) => {
        const { remove } = await mapOf(store, 'file');
        await remove(1);
      },
      also: ['unaccountedBytes'],
    },
    {
      what: 'the only entry lost',
      plant: async (store) => {
        const { remove } = await mapOf(store, 'joined');
        await remove(0);
      },
      also: ['referenceCountWrong'],
    },
    {
      what: 'more than it says',
      plant: async (store) => store.editContent(await store.contentOf('joined'), { mappedBytes: 1 }),
    },
  ],
  partMarkMissing: [
    {
      what: 'on the first part',
      plant: async (store) => {
        const { edit } = await mapOf(store, 'joined');
        await edit(0, ({ part: _part, ...entry }) => entry);
      },
    },
  ],

  uploadKeyWrong: [
    {
      what: 'under another key',
      plant: async (store) => {
        const { key, value } = await only(store, SPACE.upload);
        const upload = await store.openUpload();
        await store.remove(key);
        await store.put(uploadKey(LAYER, Buffer.from('elsewhere'), upload), value);
      },
    },
    {
      what: 'a copy under another key',
      plant: async (store) => {
        const { value } = await only(store, SPACE.upload);
        await store.put(uploadKey(LAYER, Buffer.from('elsewhere'), await store.openUpload()), value);
      },
    },
  ],
  uploadStillOpen: [
    {
      what: 'completed',
      plant: async (store) => {
        const etag = { digest: Buffer.alloc(16), parts: 1 };
        const done = { key: Buffer.from('open'), volume: 1, etag, sizeBytes: 1, completed: timestamp(1n) };
        await store.put(completedKey(await store.openUpload()), encodeCompleted(done));
      },
    },
  ],
  partWithoutUpload: [
    {
      what: 'no upload',
      plant: (store) => {
        const part = { sizeBytes: 0, md5: Buffer.alloc(16), lastModified: timestamp(1n) };
        const upload = parseUploadId('0'.repeat(32));
        if (!upload) throw new Error('that is an upload id');
        return store.put(partKey(upload, 1), encodePart(part));
      },
    },
  ],
} satisfies Partial<Plants>;

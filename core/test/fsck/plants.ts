/** Damage, one sort at a time, and what fsck is to say of it: exactly that. */

import { containerId } from '@facet/extents';
import { CONTENT_IDS, FREE_SEQUENCE } from '../../src/contents/bodies.ts';
import type { FindingKind } from '../../src/fsck/findings.ts';
import {
  contentId,
  cookie,
  inodeId,
  layerId,
  parseUploadId,
  ROOT_INODE,
  timestamp,
  volumeId,
} from '../../src/ids.ts';
import {
  accessKeyKey,
  accountKey,
  completedKey,
  containerKey,
  contentMapKey,
  contentMapOf,
  cookieKey,
  counterKey,
  deadRunKey,
  directoryKey,
  freeKey,
  inlineKey,
  inodeKey,
  leaseKey,
  linkKey,
  objectRecordKey,
  offsetOfMapKey,
  orphanKey,
  partKey,
  reclaimKey,
  SPACE,
  uploadKey,
  usageKey,
  volumeKey,
  volumeNameKey,
  volumeTagsKey,
} from '../../src/meta/keys.ts';
import { decodeMapEntry, encodeMapEntry, type MapEntry } from '../../src/meta/records/content.ts';
import { encodeInode } from '../../src/meta/records/inode.ts';
import {
  decodeObjectRecord,
  encodeObjectRecord,
  encodeTags,
  type ObjectRecord,
} from '../../src/meta/records/object.ts';
import {
  decodeContainer,
  decodeDeadRun,
  decodeReclaim,
  encodeContainer,
  encodeDeadRun,
  encodeFree,
  encodeReclaim,
} from '../../src/meta/records/space.ts';
import { decodeDirectoryState, encodeDirectoryState, encodeEntryName } from '../../src/meta/records/tree.ts';
import { encodeCompleted, encodePart } from '../../src/meta/records/upload.ts';
import { encodeAccessKey, encodeNumber, encodeVolume } from '../../src/meta/records/volume.ts';
import { wholeRun } from '../../src/space/frames.ts';
import { Volumes } from '../../src/volumes/volumes.ts';
import { LAYER, type Vandal } from './vandal.ts';

interface Plant {
  readonly what: string;
  readonly plant: (store: Vandal) => Promise<void> | void;
  /** Found besides, since it follows. */
  readonly also?: readonly FindingKind[];
}

const NOBODY = inodeId(9_999);

async function emptyVolume(store: Vandal) {
  const volume = await new Volumes(store.world.life).create({ name: 'empty', owner: 'tester' });
  const own = [
    inodeKey(volume.layer, ROOT_INODE),
    directoryKey(volume.layer, ROOT_INODE),
    usageKey(volume.layer),
  ];
  return { volume, own };
}

async function editRecord(store: Vandal, path: string, change: Partial<ObjectRecord>): Promise<void> {
  const key = objectRecordKey(LAYER, await store.inodeOf(path));
  await store.put(key, encodeObjectRecord({ ...decodeObjectRecord(await store.get(key)), ...change }));
}

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
  const edit = async (index: number, change: (entry: MapEntry) => MapEntry) => {
    const mapped = map.at(index);
    if (!mapped) throw new Error(`${path} has no map entry ${index}`);
    await store.put(contentMapKey(content, mapped.offset), encodeMapEntry(change(mapped.entry)));
  };
  return { content, edit };
}

/** A file, its content and its last map entry say one byte more. */
async function lengthenLast(store: Vandal, path: string): Promise<void> {
  const { content, edit } = await mapOf(store, path);
  const { lengthBytes } = await store.content(content);
  await edit(-1, (entry) => {
    if (entry.kind === 'inline') throw new Error('an inline entry is as long as its bytes');
    return { ...entry, lengthBytes: entry.lengthBytes + 1 };
  });
  await store.editContent(content, { lengthBytes: lengthBytes + 1 });
  await store.editInode(path, ({ sizeBytes }) => ({ sizeBytes: sizeBytes + 1 }));
}

async function only(store: Vandal, space: number) {
  const [entry, more] = await store.all(space);
  if (!entry || more) throw new Error(`there is not exactly one record in space ${space}`);
  return entry;
}

export const PLANTS: Readonly<Record<FindingKind, readonly Plant[]>> = {
  unreadableRecord: [
    {
      what: 'tags of a volume',
      plant: (store) => store.put(volumeTagsKey(store.world.volume), Buffer.of(9)),
    },
  ],
  unknownKey: [{ what: 'a key', plant: (store) => store.put(Buffer.of(0x50, 1), Buffer.of(1)) }],
  counterBehind: [
    ...[CONTENT_IDS, FREE_SEQUENCE, 'container', 'volume', 'layer', `inode/${LAYER}`].map((name) => ({
      what: name,
      plant: (store: Vandal) => store.put(counterKey(name), encodeNumber(1)),
    })),
    { what: 'no counter', plant: (store) => store.remove(counterKey(CONTENT_IDS)) },
  ],

  volumeNameWrong: [
    { what: 'a name of no volume', plant: (store) => store.put(volumeNameKey('ghost'), encodeNumber(77)) },
    { what: 'no name', plant: (store) => store.remove(volumeNameKey('bucket')) },
    {
      what: 'two names',
      plant: (store) => store.put(volumeNameKey('second'), encodeNumber(store.world.volume)),
    },
  ],
  volumeWithoutOwner: [{ what: 'no account', plant: (store) => store.remove(accountKey('tester')) }],
  volumeWithoutRoot: [
    {
      what: 'no root',
      plant: async (store) => store.remove(...(await emptyVolume(store)).own),
    },
  ],
  layerShared: [
    {
      what: 'two volumes',
      plant: async (store) => {
        const { volume, own } = await emptyVolume(store);
        await store.remove(...own);
        await store.put(volumeKey(volume.id), encodeVolume({ ...volume, layer: LAYER }));
      },
    },
  ],
  layerWithoutVolume: [
    { what: 'usage', plant: (store) => store.put(usageKey(layerId(77)), Buffer.of(1)) },
    { what: 'an inode', plant: (store) => store.put(inodeKey(layerId(77), NOBODY), Buffer.of(1)) },
  ],
  volumeTagsStray: [
    { what: 'no volume', plant: (store) => store.put(volumeTagsKey(volumeId(77)), encodeTags([])) },
  ],
  accountNameWrong: [
    {
      what: 'another’s record',
      plant: async (store) => store.put(accountKey('alias'), await store.get(accountKey('tester'))),
    },
  ],
  accessKeyWrong: [
    {
      what: 'no account',
      plant: (store) => store.put(accessKeyKey('KEY'), accessKey({ accessKeyId: 'KEY', account: 'ghost' })),
    },
    {
      what: 'another’s record',
      plant: (store) => store.put(accessKeyKey('KEY'), accessKey({ accessKeyId: 'LOCK', account: 'tester' })),
    },
  ],
  leasesOverlap: [
    {
      what: 'one id twice',
      plant: async (store) => {
        await store.put(leaseKey(Buffer.alloc(16, 1), containerId(10)), encodeNumber(5));
        await store.put(leaseKey(Buffer.alloc(16, 2), containerId(14)), encodeNumber(5));
      },
    },
  ],

  entryWithoutInode: [
    {
      what: 'a new entry',
      plant: async (store) => {
        await store.addEntry(ROOT_INODE, 'ghost', { inode: NOBODY, type: 'file' });
      },
    },
  ],
  entryTypeWrong: [{ what: 'a file', plant: (store) => store.editDentry('inline', { type: 'fifo' }) }],
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
    {
      what: 'of a directory’s object',
      plant: async (store) => store.remove(inlineKey(LAYER, await store.inodeOf('dir/'))),
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
      plant: async (store) => store.remove(objectRecordKey(LAYER, await store.inodeOf('packed'))),
    },
  ],
  usageWrong: [
    { what: 'bytes', plant: (store) => store.use({ bytes: 1, inodes: 0 }) },
    { what: 'inodes', plant: (store) => store.use({ bytes: 0, inodes: -1 }) },
  ],

  contentMissing: [
    {
      what: 'of a part',
      plant: (store) => store.addPart({ content: contentId(999_999), sizeBytes: 10 }),
    },
    { what: 'of low id', plant: (store) => store.addPart({ content: contentId(3_000), sizeBytes: 10 }) },
  ],
  contentLengthWrong: [
    {
      what: 'a file',
      plant: (store) => store.editInode('packed', ({ sizeBytes }) => ({ sizeBytes: sizeBytes + 1 })),
    },
    { what: 'a part', plant: (store) => store.addPart({ sizeBytes: 1 }) },
    {
      what: 'a directory’s object',
      plant: async (store) => {
        const { directory } = decodeObjectRecord(
          await store.get(objectRecordKey(LAYER, await store.inodeOf('large/'))),
        );
        if (!directory) throw new Error('large/ is an object');
        await editRecord(store, 'large/', {
          directory: { ...directory, sizeBytes: directory.sizeBytes + 1 },
        });
        await store.use({ bytes: 1, inodes: 0 });
      },
    },
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
        await store.put(contentMapKey(await store.contentOf('file'), 5), encodeMapEntry(entry));
      },
    },
  ],
  mapBeyondLength: [
    {
      what: 'an entry at the end',
      plant: async (store) => {
        const entry = { kind: 'inline', lengthBytes: 1, bytes: Buffer.of(1) } as const;
        await store.put(contentMapKey(await store.contentOf('file'), 70_000), encodeMapEntry(entry));
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

  reclaimStampWrong: [
    {
      what: 'another’s',
      plant: async (store) => {
        const { key, value } = await only(store, SPACE.reclaim);
        await store.put(key, encodeReclaim({ ...decodeReclaim(value), stamp: 1 }));
      },
    },
  ],
  containerMissing: [
    {
      what: 'a file',
      plant: async (store) => store.world.life.extents.unlink((await store.locationOf('big')).container),
    },
  ],
  beyondContainer: [
    {
      what: 'a location',
      plant: async (store) => {
        const location = { ...(await store.locationOf('packed')), offset: 1 << 30 };
        await store.addContent({ lengthBytes: location.length, shape: { kind: 'single', location } });
      },
    },
  ],
  bytesOwnedTwice: [
    {
      what: 'by another content',
      plant: async (store) => {
        const location = await store.locationOf('packed');
        await store.addContent({ lengthBytes: location.length, shape: { kind: 'single', location } });
      },
    },
    {
      what: 'in part',
      plant: async (store) => {
        const whole = await store.locationOf('packed');
        const location = { ...whole, offset: whole.offset + 1_000, length: 100 };
        await store.addContent({ lengthBytes: 100, shape: { kind: 'single', location } });
      },
    },
  ],
  liveBytesDead: [
    {
      what: 'to be reclaimed',
      plant: async (store) => {
        const stamp = await store.take(FREE_SEQUENCE);
        const runs = [wholeRun(await store.locationOf('other'))];
        await store.put(reclaimKey(stamp), encodeReclaim({ stamp, runs }));
      },
    },
    {
      what: 'discarded',
      plant: async (store) => {
        const record = encodeFree({ kind: 'extent', location: await store.locationOf('other') });
        await store.put(freeKey(await store.take(FREE_SEQUENCE)), record);
      },
    },
    {
      what: 'a dead run',
      plant: async (store) => {
        const { container, offset } = await store.locationOf('other');
        await store.put(deadRunKey(container, offset + 10), encodeDeadRun({ length: 5, punched: false }));
        const { deadBytes } = decodeContainer(await store.get(containerKey(container)));
        await store.put(containerKey(container), encodeContainer({ deadBytes: deadBytes + 5 }));
      },
    },
  ],
  deadRunsWrong: [
    {
      what: 'the sum',
      plant: async (store) => {
        const { container } = await store.locationOf('other');
        const { deadBytes } = decodeContainer(await store.get(containerKey(container)));
        await store.put(containerKey(container), encodeContainer({ deadBytes: deadBytes + 1 }));
      },
    },
    {
      what: 'in two',
      plant: async (store) => {
        const [entry] = await store.all(SPACE.deadRun);
        if (!entry) throw new Error('there is a dead run');
        const { length, punched } = decodeDeadRun(entry.value);
        await store.put(entry.key, encodeDeadRun({ length: length - 10, punched }));
        const container = containerId(Number(entry.key.readBigUInt64BE(1)));
        const offset = Number(entry.key.readBigUInt64BE(9)) + length - 10;
        await store.put(deadRunKey(container, offset), encodeDeadRun({ length: 10, punched }));
      },
    },
  ],
  unaccountedBytes: [
    { what: 'a lost record', plant: async (store) => store.remove((await only(store, SPACE.reclaim)).key) },
  ],
  containerWithoutReferent: [
    {
      what: 'without a lease',
      plant: async (store) => {
        const writer = store.world.life.extents.create({ contentId: 1, fileOffset: 0 });
        await writer.write(Buffer.alloc(100_000));
        await writer.finish();
        await store.remove((await only(store, SPACE.lease)).key);
      },
    },
  ],
  frameMissing: [
    {
      what: 'a damaged header',
      plant: async (store) => {
        const { container, offset } = await store.locationOf('other');
        store.damage({ container, offset: offset + 9 });
      },
    },
  ],
  frameOwnerWrong: [
    {
      what: 'two changed places',
      plant: async (store) => {
        const [even, odd] = [await store.locationOf('even'), await store.locationOf('odd')];
        await store.editContent(await store.contentOf('even'), { shape: { kind: 'single', location: odd } });
        await store.editContent(await store.contentOf('odd'), { shape: { kind: 'single', location: even } });
      },
    },
  ],
  frameDamaged: [
    {
      what: 'a byte',
      plant: async (store) => {
        const { container, offset } = await store.locationOf('other');
        store.damage({ container, offset: offset + 30_000 });
      },
    },
  ],
};

function accessKey(how: { readonly accessKeyId: string; readonly account: string }): Buffer {
  return encodeAccessKey({ ...how, secretKey: 'secret', created: timestamp(1n) });
}

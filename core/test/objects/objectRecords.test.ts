/** What S3 knows of an object lies in its inode's record: whatever files do to that, it stays as long as the object does. */

import type { Entry, KeyRange, Op, ReadTx } from '@facet/engine';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { layerId } from '../../src/ids.ts';
import type { ObjectInfo, PutObjectArgs } from '../../src/index.ts';
import { inodeKey, kindOfKey } from '../../src/meta/keys.ts';
import { decodeInode, type Inode } from '../../src/meta/records/inode.ts';
import { objectOf } from '../../src/meta/records/object.ts';
import { ENGINES, ROOT, Yard } from '../files/yard.ts';

const PROPERTIES = { 'content-type': 'text/plain', 'cache-control': 'no-cache' };
const METADATA = { colour: 'blue', __proto: 'ünïcode' };
const TAGS = [{ key: 'shape', value: 'round' }];
const NOTHING = { properties: {}, userMetadata: {}, tagCount: 0 };
const ETAG = { digest: Buffer.alloc(16, 3), parts: 0 };
const CHECKSUM = { algorithm: 'SHA1', type: 'FULL_OBJECT', value: Buffer.alloc(20, 7) } as const;

describe.each(ENGINES)('the record of an object on the %s engine', (kind) => {
  let yard: Yard;
  beforeEach(async () => {
    yard = await Yard.open(kind);
  });
  afterEach(async () => {
    await yard.check();
    await yard.close();
  });

  async function put(key: string, text: string, more: Partial<PutObjectArgs> = {}): Promise<void> {
    const writer = yard.objects.stage({});
    await writer.write(Buffer.from(text));
    const body = await writer.finish();
    const given = { properties: PROPERTIES, userMetadata: METADATA, tags: TAGS, checksum: CHECKSUM };
    await yard.objects.put({ ...yard.object(key), body, etag: ETAG, ...given, ...more });
  }
  const head = (key: string): Promise<ObjectInfo> => yard.objects.head(yard.object(key));
  async function storedOf(path: string): Promise<Inode> {
    const { inode } = await yard.walk(path);
    const stored = await yard.engine.read((tx) => tx.get(inodeKey(layerId(1), inode)));
    if (!stored) throw new Error(`${path} has no inode`);
    return decodeInode(stored);
  }

  it.each<[what: string, work: (yard: Yard) => Promise<unknown>, key?: string, bytes?: true]>([
    ['a write', async () => yard.write(await yard.walk('object'), 2, Buffer.from('more')), 'object', true],
    ['a truncation', async () => yard.truncate(await yard.walk('object'), 1), 'object', true],
    [
      'other attributes',
      async () =>
        yard.files.setattr({
          caller: ROOT,
          file: await yard.walk('object'),
          changes: { mode: 0o600, uid: 7, gid: 8, mtime: { kind: 'server' } },
        }),
    ],
    ['a rename', () => yard.rename([yard.root, 'object'], [yard.root, 'renamed']), 'renamed'],
    [
      'a rename to another directory',
      async () => yard.rename([yard.root, 'object'], [await yard.mkdir(yard.root, 'below'), 'renamed']),
      'below/renamed',
    ],
    [
      'another name',
      async () => {
        const file = await yard.walk('object');
        await yard.files.link({ caller: ROOT, file, parent: yard.root, name: Buffer.from('linked') });
      },
      'linked',
    ],
    [
      'another name, when the first is gone',
      async () => {
        const file = await yard.walk('object');
        await yard.files.link({ caller: ROOT, file, parent: yard.root, name: Buffer.from('linked') });
        await yard.files.remove({ caller: ROOT, parent: yard.root, name: Buffer.from('object') });
      },
      'linked',
    ],
  ])('outlives %s by files', async (_what, work, key = 'object', hasOtherBytes = undefined) => {
    await put('object', 'bytes');
    const { inode, ...before } = await head('object');
    await work(yard);
    const after = await head(key);
    expect(after).toMatchObject({ inode, properties: PROPERTIES, userMetadata: METADATA, tagCount: 1 });
    expect(await yard.objects.getTags(yard.object(key))).toEqual(TAGS);
    // What vouched for other bytes is gone, and it alone.
    expect(after.checksum).toEqual(hasOtherBytes ? undefined : before.checksum);
    expect(after.etag === before.etag).toBe(!hasOtherBytes);
  });

  it('is another with another object at its key, and none of what it said stays', async () => {
    await put('object', 'bytes');
    await put('object', 'others', { properties: {}, userMetadata: { size: 'large' }, tags: [] });
    expect(await head('object')).toMatchObject({
      properties: {},
      userMetadata: { size: 'large' },
      tagCount: 0,
    });
    expect(await yard.objects.getTags(yard.object('object'))).toEqual([]);
  });

  it('is there for what was put without any of it, and not for what S3 never put', async () => {
    await put('object', 'bytes', { properties: {}, userMetadata: {}, tags: [] });
    const stored = await storedOf('object');
    expect(stored).toHaveProperty('object');
    expect(objectOf(stored)).toEqual({ ...NOTHING, checksum: CHECKSUM });
    const file = await yard.touch(yard.root, 'file');
    await yard.write(file, 0, Buffer.from('by files'));
    expect(await storedOf('file')).not.toHaveProperty('object');
    expect(await head('file')).toMatchObject(NOTHING);
    await yard.objects.setTags({ ...yard.object('file'), tags: TAGS });
    expect(await head('file')).toMatchObject({ properties: {}, userMetadata: {}, tagCount: 1 });
  });

  it('may be as large as the headers of a request', async () => {
    const userMetadata = { long: 'm'.repeat(2 << 10) };
    const properties = {
      'content-language': 'l'.repeat(4 << 10),
      'content-disposition': 'd'.repeat(4 << 10),
    };
    await put('object', 'bytes', { userMetadata, properties });
    await put('dir/', '', { userMetadata, properties });
    expect(await head('object')).toMatchObject({ userMetadata, properties });
    expect(await head('dir/')).toMatchObject({ userMetadata, properties });
    await yard.write(await yard.walk('object'), 0, Buffer.from('B'));
    expect(await head('object')).toMatchObject({ userMetadata, properties });
    expect(`${await yard.get('object')}`).toBe('Bytes');
  });

  it('lies in a directory’s inode while dir/ has no bytes, and in that of the bytes afterwards', async () => {
    await put('dir/below', 'below');
    await put('dir/', '', { storageClass: 'GLACIER' });
    const listed = async () => {
      const at = { volume: yard.volume, prefix: Buffer.from('dir/'), delimiter: Buffer.from('/') };
      const { entries } = await yard.objects.list({ ...at, limit: 1 });
      return entries[0];
    };
    const { etag, lastModified } = await head('dir/');
    expect(etag).toBe('03'.repeat(16));
    const { algorithm, type } = CHECKSUM;
    expect(await listed()).toMatchObject({
      etag,
      lastModified,
      storageClass: 'GLACIER',
      checksum: { algorithm, type },
    });
    // What files do to the directory is nothing to its object.
    const directory = await yard.walk('dir');
    await yard.files.setattr({ caller: ROOT, file: directory, changes: { mode: 0o700 } });
    await yard.touch(directory, 'another');
    await yard.rename([yard.root, 'dir'], [yard.root, 'moved']);
    await yard.rename([yard.root, 'moved'], [yard.root, 'dir']);
    const known = { etag, lastModified, storageClass: 'GLACIER', userMetadata: METADATA, tagCount: 1 };
    expect(await head('dir/')).toMatchObject(known);
    expect(await listed()).toMatchObject({ etag, lastModified, storageClass: 'GLACIER' });
    await put('dir/', 'bytes', { userMetadata: { size: 'large' }, tags: [] });
    expect(await storedOf('dir')).not.toHaveProperty('object');
    expect(await head('dir/')).toMatchObject({ userMetadata: { size: 'large' }, tagCount: 0 });
  });

  it('goes with a directory’s object, also where the directory stays', async () => {
    await put('dir/below', 'below');
    await put('dir/', '');
    await yard.objects.delete(yard.object('dir/'));
    expect(await storedOf('dir')).not.toHaveProperty('object');
    await put('dir/', '', { properties: {}, userMetadata: {}, tags: [] });
    expect(await head('dir/')).toMatchObject(NOTHING);
    expect(await yard.objects.getTags(yard.object('dir/'))).toEqual([]);
  });

  it('is read with the inode: of a key its name and that alone', async () => {
    await put('object', 'bytes');
    const kinds: string[] = [];
    const read = yard.engine.read.bind(yard.engine);
    vi.spyOn(yard.engine, 'read').mockImplementation((op) => read((tx) => op(new Watched(tx, kinds))));
    expect(await head('object')).toMatchObject({ userMetadata: METADATA, tagCount: 1 });
    vi.restoreAllMocks();
    expect(kinds.filter((of) => of !== 'volume')).toEqual(['dentry', 'inode']);
  });
});

/** Notes what kinds of records are read. */
class Watched implements ReadTx {
  readonly #tx: ReadTx;
  readonly #kinds: string[];

  constructor(tx: ReadTx, kinds: string[]) {
    this.#tx = tx;
    this.#kinds = kinds;
  }

  *get(key: Uint8Array): Op<Uint8Array | undefined> {
    this.#kinds.push(kindOfKey(key));
    return yield* this.#tx.get(key);
  }

  *getMany(keys: readonly Uint8Array[]): Op<readonly (Uint8Array | undefined)[]> {
    this.#kinds.push(...keys.map(kindOfKey));
    return yield* this.#tx.getMany(keys);
  }

  *range(range: KeyRange): Op<readonly Entry[]> {
    this.#kinds.push(kindOfKey(range.start));
    return yield* this.#tx.range(range);
  }
}

import { createHash } from 'node:crypto';
import type { Op } from '@facet/engine';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { EDIT_ENTRIES_MAX } from '../../src/contents/edit.ts';
import { contentId, type FileRef } from '../../src/index.ts';
import {
  contentMapKey,
  contentOfKey,
  freeKey,
  SPACE,
  sequenceOfKey,
  spaceBounds,
} from '../../src/meta/keys.ts';
import { decodeContent, encodeContent, encodeMapEntry } from '../../src/meta/records/content.ts';
import { decodeFree, type FreeRecord } from '../../src/meta/records/space.ts';
import { bytesFrom } from '../random.ts';
import { ENGINES, ROOT, refused, Yard } from './yard.ts';

describe.each(ENGINES)('bytes of files on the %s engine', (kind) => {
  let yard: Yard;
  let file: FileRef;
  beforeEach(async () => {
    yard = await Yard.open(kind);
    file = await yard.touch(yard.root, 'file');
  });
  afterEach(async () => {
    await yard.check();
    await yard.close();
  });
  const some = (length: number): Buffer => bytesFrom(yard.random, length);
  const mapEntries = async (): Promise<number> => {
    const entries = await yard.engine.read((tx) =>
      tx.range({ ...spaceBounds(SPACE.contentMap), limit: 100_000 }),
    );
    return entries.length;
  };
  const contents = async (): Promise<number[]> => {
    const records = await yard.engine.read((tx) =>
      tx.range({ ...spaceBounds(SPACE.content), limit: 100_000 }),
    );
    return records.filter(({ value }) => decodeContent(value).refs > 0).map(({ key }) => contentOfKey(key));
  };
  const freed = async (): Promise<FreeRecord[]> => {
    const records = await yard.engine.read((tx) =>
      tx.range({ start: freeKey(0), end: spaceBounds(SPACE.free).end, limit: 100_000 }),
    );
    return records.map(({ value }) => decodeFree(value));
  };

  const freedSequences = async (): Promise<number[]> => {
    const records = await yard.engine.read((tx) => tx.range({ ...spaceBounds(SPACE.free), limit: 100_000 }));
    return records.map(({ key }) => sequenceOfKey(key));
  };

  it.each([0, 1, 960, 961, 100_000, 262_145, 1_048_576, 2_500_000])(
    'reads back %d bytes and any slice of them',
    async (length) => {
      const bytes = some(length);
      const { before, after, lengthBytes } = await yard.files.write({
        caller: ROOT,
        file,
        offset: 0,
        data: [bytes.subarray(0, length / 3), bytes.subarray(length / 3)],
      });
      expect(lengthBytes).toBe(length);
      expect(before.sizeBytes).toBe(0);
      expect(after).toEqual(await yard.stat(file));
      expect(after.sizeBytes).toBe(length);
      expect(after.mtime > before.mtime).toBe(length > 0);
      expect((await yard.read(file)).equals(bytes)).toBe(true);
      const [start, end] = [Math.floor(length / 3), length - Math.floor(length / 5)];
      expect((await yard.read(file, start, end - start)).equals(bytes.subarray(start, end))).toBe(true);
      expect((await yard.get('file')).equals(bytes)).toBe(true);
      expect(await yard.files.usage({ volume: yard.volume })).toMatchObject({ bytes: length });
    },
  );

  it('says where a file ends', async () => {
    await yard.write(file, 0, some(100));
    const read = (offset: number, lengthBytes: number) =>
      yard.files.read({ caller: ROOT, file, offset, lengthBytes });
    expect(await read(0, 99)).toMatchObject({ lengthBytes: 99, end: false });
    expect(await read(0, 100)).toMatchObject({ lengthBytes: 100, end: true });
    expect(await read(50, 1000)).toMatchObject({ lengthBytes: 50, end: true });
    expect(await read(100, 10)).toMatchObject({ lengthBytes: 0, end: true });
    expect(await read(5000, 10)).toMatchObject({ lengthBytes: 0, end: true });
    expect(await read(10, 0)).toMatchObject({ lengthBytes: 0, end: false });
    await refused('Invalid', read(-1, 10));
    await refused(
      'IsDirectory',
      yard.files.read({ caller: ROOT, file: yard.root, offset: 0, lengthBytes: 1 }),
    );
    await refused('IsDirectory', yard.write(yard.root, 0, some(1)));
    await refused('Invalid', yard.write(file, -1, some(1)));
    await refused('FileTooBig', yard.write(file, 2 ** 50, some(1)));
    await refused('FileTooBig', yard.write(file, 2 ** 53, some(1)));
  });

  it('fills with zeros what was never written', async () => {
    await yard.write(file, 10_000, Buffer.from('end'));
    expect(await yard.read(file)).toEqual(Buffer.concat([Buffer.alloc(10_000), Buffer.from('end')]));
    await yard.write(file, 5, Buffer.from('start'));
    await yard.truncate(file, 1_000_000);
    const bytes = Buffer.alloc(1_000_000);
    bytes.write('start', 5);
    bytes.write('end', 10_000);
    expect((await yard.read(file)).equals(bytes)).toBe(true);
    await yard.truncate(file, 10_001);
    await yard.truncate(file, 10_003);
    expect((await yard.read(file, 9_999)).toString('latin1')).toBe('\0e\0\0');
  });

  it('keeps small files in the metadata, and moves them out when they grow', async () => {
    await yard.write(file, 0, some(600));
    const bytes = await yard.read(file);
    expect(await contents()).toEqual([]);
    await yard.write(file, 900, Buffer.from('x'));
    expect(await contents()).toEqual([]);
    await yard.write(file, 500, Buffer.alloc(3000, 'y'));
    expect(await contents()).toHaveLength(1);
    const expected = Buffer.concat([bytes.subarray(0, 500), Buffer.alloc(3000, 'y')]);
    expect((await yard.read(file)).equals(expected)).toBe(true);
    await yard.truncate(file, 0);
    expect(await contents()).toEqual([]);
    await yard.write(file, 0, Buffer.from('small again'));
    expect(await contents()).toEqual([]);
  });

  it('re-points what is overwritten, in place, and hands the old pieces on', async () => {
    const bytes = some(100_000);
    await yard.write(file, 0, bytes);
    const [content] = await contents();
    const patch = some(30_000);
    await yard.write(file, 20_000, patch);
    expect(await contents()).toEqual([content]);
    expect(await mapEntries()).toBe(3);
    const records = await freed();
    expect(records).toMatchObject([
      { kind: 'pieces', content, pieces: [{ start: 20_000, lengthBytes: 30_000, fileOffset: 20_000 }] },
    ]);
    patch.copy(bytes, 20_000);
    expect((await yard.read(file)).equals(bytes)).toBe(true);
    await yard.truncate(file, 10_000);
    expect(await mapEntries()).toBe(1);
    expect((await freed())[1]).toMatchObject({
      pieces: [
        { start: 10_000, lengthBytes: 10_000, fileOffset: 10_000 },
        { start: 0, lengthBytes: 30_000, fileOffset: 20_000 },
        { start: 50_000, lengthBytes: 50_000, fileOffset: 50_000 },
      ],
    });
    expect((await yard.read(file)).equals(bytes.subarray(0, 10_000))).toBe(true);
  });

  it('leaves a copy alone, whichever of the two is changed', async () => {
    const bytes = some(50_000);
    await yard.put('original', bytes);
    await yard.copy('original', 'copy');
    expect(await contents()).toHaveLength(1);
    const [original, copy] = [await yard.walk('original'), await yard.walk('copy')];
    await yard.write(copy, 10, Buffer.from('changed'));
    expect((await yard.read(original)).equals(bytes)).toBe(true);
    const changed = Buffer.from(bytes);
    changed.write('changed', 10);
    expect((await yard.read(copy)).equals(changed)).toBe(true);
    await yard.truncate(original, 20_000);
    await yard.truncate(original, 60_000);
    expect((await yard.read(copy)).equals(changed)).toBe(true);
    await yard.check();
    // A copy of what refers to others, changed in turn, still refers one level deep.
    await yard.copy('copy', 'third');
    await yard.write(await yard.walk('third'), 30_000, some(10));
    await yard.check();
    expect((await yard.get('copy')).equals(changed)).toBe(true);
    for (const key of ['original', 'copy', 'third']) await yard.objects.delete(yard.object(key));
    await yard.check();
  });

  it('a copy whose every byte is overwritten refers to nothing', async () => {
    await yard.put('a', some(10_000));
    await yard.copy('a', 'b');
    const bytes = some(12_000);
    await yard.write(await yard.walk('b'), 0, bytes);
    expect(await mapEntries()).toBe(0);
    expect(await contents()).toHaveLength(2);
    expect((await yard.get('b')).equals(bytes)).toBe(true);
  });

  it('changes an object of parts, which has none afterwards', async () => {
    const bytes = some((5 << 20) + 70_000);
    await yard.putParts('multi', bytes);
    expect((await yard.objects.head(yard.object('multi'))).parts).toBe(2);
    const target = await yard.walk('multi');
    const patch = some(50_000);
    const at = (5 << 20) - 20_000;
    await yard.write(target, at, patch);
    patch.copy(bytes, at);
    expect((await yard.get('multi')).equals(bytes)).toBe(true);
    expect((await yard.objects.head(yard.object('multi'))).parts).toBe(undefined);
    await yard.check();
    await yard.copy('multi', 'copy');
    await yard.truncate(target, at + 10);
    await yard.check();
    expect((await yard.get('copy')).equals(bytes)).toBe(true);
    expect((await yard.get('multi')).equals(bytes.subarray(0, at + 10))).toBe(true);
  });

  it('gives a changed object another etag and no checksum, and keeps what the user said of it', async () => {
    const bytes = some(5000);
    const put = await yard.put('object', bytes);
    expect(put.etag).toBe(createHash('md5').update(bytes).digest('hex'));
    const target = await yard.walk('object');
    const etags = new Set([put.etag]);
    for (const change of [
      () => yard.write(target, 0, Buffer.from('x')),
      () => yard.write(target, 0, Buffer.from('x')),
      () => yard.truncate(target, 10),
    ]) {
      await change();
      const info = await yard.objects.head(yard.object('object'));
      expect(info).toMatchObject({
        userMetadata: { colour: 'blue' },
        properties: { 'content-type': 'text/plain' },
      });
      expect(info.checksum).toBe(undefined);
      expect(info.etag).toMatch(/^[0-9a-f]{32}-\d+$/);
      expect(info.lastModified).toBe((await yard.stat(target)).mtime);
      etags.add(info.etag);
    }
    expect(etags.size).toBe(4);
    const before = await yard.objects.head(yard.object('object'));
    await yard.write(target, 5, Buffer.alloc(0));
    expect(await yard.objects.head(yard.object('object'))).toEqual(before);
  });

  it('keeps a reader on the bytes it opened', async () => {
    const bytes = some(60_000);
    await yard.write(file, 0, bytes);
    const object = await yard.objects.open(yard.object('file'));
    await yard.write(file, 0, some(30_000));
    await yard.truncate(file, 100);
    const chunks: Buffer[] = [];
    for await (const chunk of object.read()) chunks.push(chunk);
    object.close();
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
  });

  describe('of a map of very many entries', () => {
    const count = EDIT_ENTRIES_MAX + 50;
    let bytes: Buffer;

    /** Two bytes of data and a hole of one, over and over: what as many writes would leave. */
    beforeEach(async () => {
      bytes = some(3 * count);
      await yard.write(file, 0, bytes);
      for (let at = 2; at < bytes.length; at += 3) bytes[at] = 0;
      await yard.engine.write(function* (tx): Op<number> {
        const [record] = yield* tx.range({ ...spaceBounds(SPACE.content), limit: 1 });
        if (!record) throw new Error('the file has a content');
        const content = decodeContent(record.value);
        if (content.shape.kind !== 'single') throw new Error('one write, one extent');
        const { location } = content.shape;
        tx.put(record.key, encodeContent({ ...content, shape: { kind: 'map' }, selfContained: true }));
        for (let index = 0; index < count; index += 1) {
          const start = 3 * index;
          const entry = { kind: 'data', lengthBytes: 2, start, location } as const;
          tx.put(contentMapKey(contentId(contentOfKey(record.key)), start), encodeMapEntry(entry));
        }
        return count;
      });
      expect((await yard.read(file)).equals(bytes)).toBe(true);
    });

    it('little is cut in place, much by a reference to what stays', async () => {
      const [first] = await contents();
      await yard.truncate(file, 3 * count - 300);
      expect(await contents()).toEqual([first]);
      expect(await mapEntries()).toBe(count - 100);
      await yard.write(file, 3 * count - 300, bytes.subarray(3 * count - 300));
      await yard.truncate(file, 3 * count);
      await yard.truncate(file, 31);
      expect(await contents()).toHaveLength(1);
      await yard.truncate(file, 3 * count);
      await yard.check();
    });

    it('cuts all but a little at once', async () => {
      const [first] = await contents();
      await yard.truncate(file, 31);
      expect(await mapEntries()).toBe(count + 1);
      expect(await contents()).toHaveLength(2);
      expect(await contents()).toContain(first);
      expect(await freed()).toEqual([]);
      await yard.truncate(file, 60);
      const cut = Buffer.concat([bytes.subarray(0, 31), Buffer.alloc(29)]);
      expect((await yard.read(file)).equals(cut)).toBe(true);
      await yard.truncate(file, 0);
      await yard.collect();
      expect(await contents()).toEqual([]);
      expect(await mapEntries()).toBe(0);
    });

    it('overwrites all but a little at once', async () => {
      const patch = some(3 * count - 10);
      await yard.write(file, 5, patch);
      patch.copy(bytes, 5);
      expect((await yard.read(file)).equals(bytes)).toBe(true);
      expect(await contents()).toHaveLength(2);
    });

    it('refers to a sealed one by one entry for each side', async () => {
      await yard.copy('file', 'copy');
      await yard.write(file, 1000, Buffer.from('x'));
      expect(await mapEntries()).toBe(count + 3);
      const copy = await yard.get('copy');
      expect(copy.equals(bytes)).toBe(true);
      bytes.write('x', 1000);
      expect((await yard.read(file)).equals(bytes)).toBe(true);
    });
  });

  it('looks where the bytes go only when no write before tells', async () => {
    await yard.write(file, 0, some(20_000));
    const looks = vi.spyOn(yard.engine, 'read');
    await yard.write(file, 4096, some(4096));
    expect(looks).not.toHaveBeenCalled();
    const stranger = { uid: 4242, gid: 4242, groups: [] };
    await refused('AccessDenied', yard.write(file, 0, some(4096), stranger));
    looks.mockClear();
    await yard.write(file, 4096, some(4096));
    expect(looks).toHaveBeenCalledTimes(1);
    looks.mockRestore();
  });

  it('writes to what S3 put in place of what the write before knew', async () => {
    await yard.write(file, 0, some(20_000));
    const bytes = some(30_000);
    await yard.put('file', bytes);
    const patch = some(4096);
    await yard.write(file, 8192, patch);
    patch.copy(bytes, 8192);
    expect(await yard.get('file')).toEqual(bytes);
    expect(await contents()).toHaveLength(1);
  });

  it('many writers of a new file end up with one content', async () => {
    const bytes = some(64 * 3000);
    await Promise.all(
      Array.from({ length: 64 }, (_, index) =>
        yard.write(file, index * 3000, bytes.subarray(index * 3000, (index + 1) * 3000)),
      ),
    );
    expect((await yard.read(file)).equals(bytes)).toBe(true);
    expect(await contents()).toHaveLength(1);
    // At most the write at the start was stored twice.
    expect((await freed()).length).toBeLessThanOrEqual(1);
    await yard.collect();
    await yard.checkFrames();
  });

  it('writes on while S3 swaps, copies and cuts the file', async () => {
    const bytes = some(20_000);
    await yard.put('busy', bytes);
    const target = await yard.walk('busy');
    const settled = await Promise.allSettled([
      ...Array.from({ length: 20 }, (_, index) => yard.write(target, index * 1000, Buffer.alloc(1000, 'w'))),
      yard.put('busy', bytes),
      yard.copy('busy', 'copy'),
      yard.put('busy', bytes.subarray(0, 10)),
      yard.copy('busy', 'copy2'),
      yard.truncate(target, 100),
      yard.copy('busy', 'copy3'),
    ]);
    expect(settled.filter(({ status }) => status === 'rejected')).toEqual([]);
    await yard.check();
    const final = await yard.read(target);
    expect(final.length).toBe((await yard.stat(target)).sizeBytes);
  });

  it('pins what it reads, from before the snapshot until the bytes are there', async () => {
    await yard.write(file, 0, some(60_000));
    const bytes = await yard.read(file);
    const sequence = async (): Promise<number> => Math.max(0, ...(await freedSequences()));
    await yard.write(file, 0, some(10));
    const before = await sequence();
    let during: number | undefined;
    yard.hook.beforeRead = async () => {
      yard.hook.beforeRead = async () => undefined;
      await yard.truncate(file, 100);
      expect(await sequence()).toBeGreaterThan(before);
      during = yard.pins.oldest();
      return undefined;
    };
    expect((await yard.read(file, 10)).equals(bytes.subarray(10))).toBe(true);
    expect(during).toBeLessThanOrEqual(before);
    expect(yard.pins.oldest()).toBe(Number.POSITIVE_INFINITY);
    yard.hook.beforeRead = async () => 'EIO';
    await refused('Failed', yard.read(file));
    yard.hook.beforeRead = async () => undefined;
    expect(yard.pins.oldest()).toBe(Number.POSITIVE_INFINITY);
  });

  it('answers commit with the attributes', async () => {
    await yard.write(file, 0, some(10));
    const attributes = await yard.stat(file);
    expect(await yard.files.commit({ caller: ROOT, file })).toEqual({
      before: attributes,
      after: attributes,
    });
  });
});

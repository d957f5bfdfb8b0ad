import type { Op } from '@facet/engine';
import { beforeEach, describe, expect, it } from 'vitest';
import { EDIT_ENTRIES_MAX } from '../../src/contents/edit.ts';
import { contentId, type FileRef } from '../../src/index.ts';
import { contentMapKey, contentOfKey, SPACE, spaceBounds } from '../../src/meta/keys.ts';
import { decodeContent, encodeContent, encodeMapEntry } from '../../src/meta/records/content.ts';
import { decodeInode, encodeInode } from '../../src/meta/records/inode.ts';
import { contents, freed, mapEntries } from './contentRecords.ts';
import { ENGINES, withFile, type Yard } from './yard.ts';

describe.each(ENGINES)('a map of very many entries on the %s engine', (kind) => {
  let yard: Yard;
  let file: FileRef;
  withFile(kind, (opened) => {
    ({ yard, file } = opened);
  });
  const count = EDIT_ENTRIES_MAX + 50;
  let bytes: Buffer;

  /** Two bytes of data and a hole of one, over and over: what as many writes would leave. */
  beforeEach(async () => {
    bytes = yard.some(3 * count);
    await yard.write(file, 0, bytes);
    for (let at = 2; at < bytes.length; at += 3) bytes[at] = 0;
    await yard.engine.write(function* (tx): Op<number> {
      const [record] = yield* tx.range({ ...spaceBounds(SPACE.content), limit: 1 });
      if (!record) throw new Error('the file has a content');
      const content = decodeContent(record.value);
      if (content.shape.kind !== 'single') throw new Error('one write, one extent');
      const { location } = content.shape;
      tx.put(
        record.key,
        encodeContent({ ...content, shape: { kind: 'map' }, selfContained: true, mappedBytes: 2 * count }),
      );
      for (let index = 0; index < count; index += 1) {
        const start = 3 * index;
        const entry = { kind: 'data', lengthBytes: 2, start, location } as const;
        tx.put(contentMapKey(contentId(contentOfKey(record.key)), start), encodeMapEntry(entry));
      }
      for (const { key, value } of yield* tx.range({ ...spaceBounds(SPACE.inode), limit: 10 })) {
        const inode = decodeInode(value);
        const { body } = inode;
        if (body.kind !== 'content') continue;
        tx.put(key, encodeInode({ ...inode, body: { kind: 'content', content: body.content } }));
      }
      return count;
    });
    expect((await yard.read(file)).equals(bytes)).toBe(true);
  });

  it('little is cut in place, much by a reference to what stays', async () => {
    const [first] = await contents(yard);
    await yard.truncate(file, 3 * count - 300);
    expect(await contents(yard)).toEqual([first]);
    expect(await mapEntries(yard)).toBe(count - 100);
    await yard.write(file, 3 * count - 300, bytes.subarray(3 * count - 300));
    await yard.truncate(file, 3 * count);
    await yard.truncate(file, 31);
    expect(await contents(yard)).toHaveLength(1);
    await yard.truncate(file, 3 * count);
    await yard.check();
  });

  it('cuts all but a little at once', async () => {
    const [first] = await contents(yard);
    await yard.truncate(file, 31);
    expect(await mapEntries(yard)).toBe(count + 1);
    expect(await contents(yard)).toHaveLength(2);
    expect(await contents(yard)).toContain(first);
    expect(await freed(yard)).toEqual([]);
    await yard.truncate(file, 60);
    const cut = Buffer.concat([bytes.subarray(0, 31), Buffer.alloc(29)]);
    expect((await yard.read(file)).equals(cut)).toBe(true);
    await yard.truncate(file, 0);
    await yard.collect();
    expect(await contents(yard)).toEqual([]);
    expect(await mapEntries(yard)).toBe(0);
  });

  it('overwrites all but a little at once', async () => {
    const patch = yard.some(3 * count - 10);
    await yard.write(file, 5, patch);
    patch.copy(bytes, 5);
    expect((await yard.read(file)).equals(bytes)).toBe(true);
    expect(await contents(yard)).toHaveLength(2);
  });

  it('refers to a sealed one by one entry for each side', async () => {
    await yard.copy('file', 'copy');
    await yard.write(file, 1000, Buffer.from('x'));
    expect(await mapEntries(yard)).toBe(count + 3);
    const copy = await yard.get('copy');
    expect(copy.equals(bytes)).toBe(true);
    bytes.write('x', 1000);
    expect((await yard.read(file)).equals(bytes)).toBe(true);
  });
});

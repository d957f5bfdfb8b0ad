/** Bytes that are written over, of files that share theirs with others, and that readers have open. */

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { FileRef } from '../../src/index.ts';
import { contents, freed, mapEntries } from './contentRecords.ts';
import { ENGINES, withFile, type Yard } from './yard.ts';

describe.each(ENGINES)('a change of bytes on the %s engine', (kind) => {
  let yard: Yard;
  let file: FileRef;
  withFile(kind, (opened) => {
    ({ yard, file } = opened);
  });

  it('re-points what is overwritten, in place, and hands the old pieces on', async () => {
    const bytes = yard.some(100_000);
    await yard.write(file, 0, bytes);
    const [content] = await contents(yard);
    const patch = yard.some(30_000);
    await yard.write(file, 20_000, patch);
    expect(await contents(yard)).toEqual([content]);
    expect(await mapEntries(yard)).toBe(3);
    const records = await freed(yard);
    expect(records).toMatchObject([
      { kind: 'pieces', content, pieces: [{ start: 20_000, lengthBytes: 30_000, fileOffset: 20_000 }] },
    ]);
    patch.copy(bytes, 20_000);
    expect((await yard.read(file)).equals(bytes)).toBe(true);
    await yard.truncate(file, 10_000);
    expect(await mapEntries(yard)).toBe(1);
    expect((await freed(yard))[1]).toMatchObject({
      pieces: [
        { start: 10_000, lengthBytes: 10_000, fileOffset: 10_000 },
        { start: 0, lengthBytes: 30_000, fileOffset: 20_000 },
        { start: 50_000, lengthBytes: 50_000, fileOffset: 50_000 },
      ],
    });
    expect((await yard.read(file)).equals(bytes.subarray(0, 10_000))).toBe(true);
  });

  it('leaves a copy alone, whichever of the two is changed', async () => {
    const bytes = yard.some(50_000);
    await yard.put('original', bytes);
    await yard.copy('original', 'copy');
    expect(await contents(yard)).toHaveLength(1);
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
    await yard.write(await yard.walk('third'), 30_000, yard.some(10));
    await yard.check();
    expect((await yard.get('copy')).equals(changed)).toBe(true);
    for (const key of ['original', 'copy', 'third']) await yard.objects.delete(yard.object(key));
    await yard.check();
  });

  it('a copy whose every byte is overwritten refers to nothing', async () => {
    await yard.put('a', yard.some(10_000));
    await yard.copy('a', 'b');
    const bytes = yard.some(12_000);
    await yard.write(await yard.walk('b'), 0, bytes);
    expect(await mapEntries(yard)).toBe(0);
    expect(await contents(yard)).toHaveLength(2);
    expect((await yard.get('b')).equals(bytes)).toBe(true);
  });

  it('changes an object of parts, which has none afterwards', async () => {
    const bytes = yard.some((5 << 20) + 70_000);
    await yard.putParts('multi', bytes);
    expect((await yard.objects.head(yard.object('multi'))).parts).toBe(2);
    const target = await yard.walk('multi');
    const patch = yard.some(50_000);
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
    const bytes = yard.some(5000);
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
    const bytes = yard.some(60_000);
    await yard.write(file, 0, bytes);
    const object = await yard.objects.open(yard.object('file'));
    await yard.write(file, 0, yard.some(30_000));
    await yard.truncate(file, 100);
    const chunks: Buffer[] = [];
    for await (const chunk of object.read()) chunks.push(chunk);
    object.close();
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
  });
});

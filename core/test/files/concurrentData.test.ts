/** Writes and reads beside others: of the same file, by either view. */

import { describe, expect, it, vi } from 'vitest';
import type { FileRef } from '../../src/index.ts';
import { SPACE, sequenceOfKey, spaceBounds } from '../../src/meta/keys.ts';
import { contents, freed } from './contentRecords.ts';
import { ENGINES, refused, withFile, type Yard } from './yard.ts';

describe.each(ENGINES)('bytes of files, whoever else is at them, on the %s engine', (kind) => {
  let yard: Yard;
  let file: FileRef;
  withFile(kind, (opened) => {
    ({ yard, file } = opened);
  });
  const freedSequences = async (): Promise<number[]> => {
    const records = await yard.engine.read((tx) => tx.range({ ...spaceBounds(SPACE.free), limit: 100_000 }));
    return records.map(({ key }) => sequenceOfKey(key));
  };

  it('looks where the bytes go only when no write before tells', async () => {
    await yard.write(file, 0, yard.some(20_000));
    const looks = vi.spyOn(yard.engine, 'read');
    await yard.write(file, 4096, yard.some(4096));
    expect(looks).not.toHaveBeenCalled();
    const stranger = { uid: 4242, gid: 4242, groups: [] };
    await refused('AccessDenied', yard.write(file, 0, yard.some(4096), stranger));
    looks.mockClear();
    await yard.write(file, 4096, yard.some(4096));
    expect(looks).toHaveBeenCalledTimes(1);
    looks.mockRestore();
  });

  it('writes to what S3 put in place of what the write before knew', async () => {
    await yard.write(file, 0, yard.some(20_000));
    const bytes = yard.some(30_000);
    await yard.put('file', bytes);
    const patch = yard.some(4096);
    await yard.write(file, 8192, patch);
    patch.copy(bytes, 8192);
    expect(await yard.get('file')).toEqual(bytes);
    expect(await contents(yard)).toHaveLength(1);
  });

  it('many writers of a new file end up with one content', async () => {
    const bytes = yard.some(64 * 3000);
    await Promise.all(
      Array.from({ length: 64 }, (_, index) =>
        yard.write(file, index * 3000, bytes.subarray(index * 3000, (index + 1) * 3000)),
      ),
    );
    expect((await yard.read(file)).equals(bytes)).toBe(true);
    expect(await contents(yard)).toHaveLength(1);
    // At most the write at the start was stored twice.
    expect((await freed(yard)).length).toBeLessThanOrEqual(1);
    await yard.collect();
    await yard.checkFrames();
  });

  it('writes on while S3 swaps, copies and cuts the file', async () => {
    const bytes = yard.some(20_000);
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
    await yard.write(file, 0, yard.some(60_000));
    const bytes = await yard.read(file);
    const sequence = async (): Promise<number> => Math.max(0, ...(await freedSequences()));
    await yard.write(file, 0, yard.some(10));
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
});

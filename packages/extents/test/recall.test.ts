import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { LocalExtentStore, type Location, MemoryDisk, NodeDisk } from '../src/index.ts';
import { bytesOf, inTemporaryFolder, leaseFrom, randomFrom } from './fixtures.ts';

const OWNER = { contentId: 5, fileOffset: 0 };

describe('a place that is remembered', () => {
  const data = bytesOf(5_000, 3);
  let store: LocalExtentStore;
  let location: Location;
  beforeEach(async () => {
    const disk = new MemoryDisk({ random: randomFrom(1) });
    store = new LocalExtentStore({ disk: disk.mount(), lease: leaseFrom(1), segmentBytes: 1 << 20 });
    await store.append({ owner: { contentId: 4, fileOffset: 0 }, data: [bytesOf(10, 1)] });
    location = await store.append({ owner: OWNER, data: [data] });
  });

  const recall = async (slice: { start: number; length: number }, contentId: number, at = location) =>
    store.recall({ location: at, ...slice }, contentId);

  it('gives the bytes that are there, or some of them', async () => {
    expect(await recall({ start: 0, length: 5_000 }, 5)).toEqual(data);
    expect(await recall({ start: 100, length: 7 }, 5)).toEqual(data.subarray(100, 107));
  });

  it('reads into the memory that it is given', async () => {
    const into = Buffer.alloc(128 << 10);
    const bytes = await store.recall({ location, start: 0, length: 5_000, into }, 5);
    expect(bytes?.buffer).toBe(into.buffer);
    expect(bytes).toEqual(data);
  });

  it('gives them at once, where they are at hand', () =>
    inTemporaryFolder(async (folder) => {
      const real = new LocalExtentStore({ disk: new NodeDisk(join(folder, 'extents')), lease: leaseFrom(1) });
      const slice = { location: await real.append({ owner: OWNER, data: [data] }), start: 1, length: 9 };
      await real.recall(slice, 5);
      expect(real.recallAtOnce(slice, 5)).toEqual(data.subarray(1, 10));
      expect(real.recallAtOnce(slice, 4)).toBeUndefined();
      await real.close();
      expect(real.recallAtOnce(slice, 5)).toBeUndefined();
    }));

  it('gives nothing of what is another part of the content', async () => {
    const later = await store.append({ owner: { contentId: 5, fileOffset: 9 }, data: [data] });
    expect(await store.read({ location: later, start: 0, length: 5_000 })).toEqual(data);
    expect(await recall({ start: 0, length: 5_000 }, 5, later)).toBeUndefined();
  });

  it('gives nothing where the bytes are those of another content', async () => {
    expect(await recall({ start: 0, length: 5_000 }, 4)).toBeUndefined();
  });

  it('gives nothing where there is something else, or nothing, and counts no damage', async () => {
    const elsewhere = [
      { ...location, length: 4_999 },
      { ...location, offset: location.offset + 1 },
      { ...location, offset: 1 << 30 },
      { ...location, container: 77 as typeof location.container },
      { ...location, store: 9 },
    ];
    for (const at of elsewhere) expect(await recall({ start: 0, length: 10 }, 5, at)).toBeUndefined();
    await store.punch({ container: location.container, offset: 0, length: 16_384 });
    expect(await recall({ start: 0, length: 10 }, 5)).toBeUndefined();
    expect(store.checksumErrors).toBe(0);
  });

  it('gives nothing of a store that is closed', async () => {
    await store.close();
    expect(await recall({ start: 0, length: 10 }, 5)).toBeUndefined();
  });
});

/** How often the disk has to be waited for. */
import { describe, expect, it } from 'vitest';
import { LocalExtentStore, MemoryDisk } from '../src/index.ts';
import { bytesOf, leaseFrom, randomFrom } from './fixtures.ts';

const owner = { contentId: 5, fileOffset: 9 };

it('what has to be waited for is not to be had at once', async () => {
  const disk = new MemoryDisk({ random: randomFrom(1) });
  const store = new LocalExtentStore({ disk: disk.mount(), lease: leaseFrom(1) });
  const location = await store.append({ owner, data: [bytesOf(5000, 1)] });
  const slice = { location, start: 0, length: 5000 };
  // Its file is not open.
  expect(store.readAtOnce(slice)).toBeUndefined();
  expect(await store.read(slice)).toHaveLength(5000);
  // Its bytes are not in memory.
  expect(store.readAtOnce(slice)).toBeUndefined();
  expect(() => store.readAtOnce({ ...slice, length: 5001 })).toThrow(RangeError);
  await store.close();
  expect(() => store.readAtOnce(slice)).toThrow(expect.objectContaining({ code: 'Closed' }));
});

describe('of an extent that the page cache holds', () => {
  it.each([
    ['the first bytes', 0, 10],
    ['a part of a block further on', 100_000, 4096],
    ['parts of two blocks', 65_000, 1000],
    ['all of a frame', 0, 1 << 20],
    ['the last byte', 1_299_999, 1],
  ])('%s are read without waiting', async (_what, start, length) => {
    const disk = new MemoryDisk({ random: randomFrom(1), cachesReads: true });
    const store = new LocalExtentStore({ disk: disk.mount(), lease: leaseFrom(1) });
    const data = bytesOf(1_300_000, 1);
    const location = await store.append({ owner, data: [data] });
    const got = await store.read({ location, start, length });
    expect(got.equals(data.subarray(start, start + length))).toBe(true);
    expect(store.readAtOnce({ location, start, length })).toEqual(got);
    expect(disk.count('read')).toBe(0);
    await store.close();
  });
});

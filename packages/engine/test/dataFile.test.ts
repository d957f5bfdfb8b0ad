import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Allocate, DataFile } from '../src/lmdb/dataFile.ts';

const PAGE_BYTES = 4096;
/** A file of eleven pages, the last of LMDB's being number 9. */
const USAGE = { lastPage: 9, writtenPages: 0 };
const LENGTH_BYTES = 11 * PAGE_BYTES;

let folder: string;
let handle: FileHandle;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-data-'));
  handle = await open(join(folder, 'data.mdb'), 'w+');
  await handle.write(Buffer.alloc(LENGTH_BYTES, 1));
});
afterEach(async () => {
  await handle.close();
  await rm(folder, { recursive: true });
});

const failing =
  (code: string, growsTo = 0): Allocate =>
  async () => {
    if (growsTo > 0) await handle.truncate(growsTo);
    throw Object.assign(new Error('planted'), { code });
  };

describe("LMDB's file", () => {
  it('has a tail behind the last page, and takes whole pages to it', async () => {
    const file = await DataFile.of(handle);
    expect(file.tailBytes(USAGE)).toBe(PAGE_BYTES);
    await file.extend(USAGE, 1);
    expect(file.tailBytes(USAGE)).toBe(2 * PAGE_BYTES);
    await file.extend(USAGE, 3 << 20);
    const { size, blocks } = await handle.stat();
    expect(size).toBe(LENGTH_BYTES + PAGE_BYTES + (3 << 20));
    expect(blocks * 512).toBeGreaterThanOrEqual(size);
    const before = Buffer.alloc(LENGTH_BYTES);
    await handle.read(before, 0, LENGTH_BYTES, 0);
    expect(before.every((byte) => byte === 1)).toBe(true);
  });

  it('writes over nothing where LMDB went on by itself', async () => {
    const file = await DataFile.of(handle);
    await handle.write(Buffer.alloc(10 * PAGE_BYTES, 2), 0, 10 * PAGE_BYTES, LENGTH_BYTES);
    const grown = { ...USAGE, lastPage: 20 };
    expect(file.tailBytes(grown)).toBe(0);
    await file.extend(grown, 1);
    expect(file.tailBytes(grown)).toBe(PAGE_BYTES);
    const written = Buffer.alloc(10 * PAGE_BYTES);
    await handle.read(written, 0, written.length, LENGTH_BYTES);
    expect(written.every((byte) => byte === 2)).toBe(true);
  });

  it('keeps nothing of the room that was not enough', async () => {
    const file = await DataFile.of(handle, failing('ENOSPC', 20 * PAGE_BYTES));
    await expect(file.extend(USAGE, 100 * PAGE_BYTES)).rejects.toMatchObject({ code: 'ENOSPC' });
    expect((await handle.stat()).size).toBe(LENGTH_BYTES);
    expect(file.tailBytes(USAGE)).toBe(PAGE_BYTES);
  });

  it('counts no hole as room, and writes zeros where a file system can not allocate', async () => {
    await handle.truncate(20 * PAGE_BYTES);
    const file = await DataFile.of(handle, failing('EOPNOTSUPP'));
    expect(file.tailBytes(USAGE)).toBeLessThan(5 * PAGE_BYTES);
    await file.extend(USAGE, 20 * PAGE_BYTES);
    const { size, blocks } = await handle.stat();
    expect(blocks * 512).toBeGreaterThanOrEqual(size);
  });
});

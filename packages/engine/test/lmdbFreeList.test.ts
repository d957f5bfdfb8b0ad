import { rmSync } from 'node:fs';
import { type FileHandle, mkdtemp, open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { openDatabase } from '../src/lmdb/database.ts';
import type { Allocate, Run } from '../src/lmdb/dataFile.ts';
import { freeRunsOf, recordOf } from '../src/lmdb/freeList.ts';
import { type FreeEntry, numbersIn, readFreeTree, recordIn } from '../src/lmdb/freeTree.ts';
import type { Header } from '../src/lmdb/header.ts';
import { newFreeTree, putFreeTree } from '../src/lmdb/newFreeTree.ts';
import { LEAVES_LONG, LEAVES_MAX, packedFreeList } from '../src/lmdb/packedFreeList.ts';
import { runPages } from '../src/lmdb/page.ts';
import { LmdbStore } from '../src/lmdb/store.ts';
import {
  freeLeaves,
  headerIn,
  headerOf,
  mustBeAll,
  mustHoldAll,
  PAGE_BYTES,
  storeWithList,
  writeSome,
  wrongWith,
} from './freeListRig.ts';
import { copyStore, openJournaled } from './journalRig.ts';
import { everything, randomFrom } from './shorthand.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-free-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** That LMDB has numbered. */
async function pagesOf(path: string): Promise<number> {
  const { usedPages, freePages } = await headerOf(path);
  return usedPages + freePages;
}

/** With two headers, of no trees. */
async function newFile(of: { readonly lastPage: number; readonly transaction: bigint }): Promise<FileHandle> {
  const file = await open(join(folder, 'list'), 'w+');
  for (const slot of [0, 1]) {
    const meta = Buffer.alloc(PAGE_BYTES);
    meta.writeUInt32LE(0xbeefc0de, 24);
    meta.writeUInt32LE(2, 28);
    meta.writeUInt32LE(PAGE_BYTES, 48);
    for (const root of [88, 136]) meta.writeBigInt64LE(-1n, root);
    meta.writeBigUInt64LE(BigInt(of.lastPage), 144);
    const isNewest = BigInt(slot) === (of.transaction & 1n);
    meta.writeBigUInt64LE(isNewest ? of.transaction : of.transaction - 1n, 152);
    await file.write(meta, 0, PAGE_BYTES, slot * PAGE_BYTES);
  }
  return file;
}

it('is packed at a start when it is so long that LMDB may make it wrong, and what it lists is used', async () => {
  const path = await storeWithList(folder, LEAVES_MAX + 1);
  const engine = await openJournaled({ path });
  expect(freeLeaves(path)).toBeLessThan(4);
  expect(await wrongWith(path)).toEqual([]);
  const pages = await pagesOf(path);
  await writeSome(engine, 5000);
  await mustHoldAll(engine);
  await engine.close();
  expect(await pagesOf(path)).toBe(pages);
  expect(await wrongWith(path)).toEqual([]);
});

it('stays short while nothing that it lists can be used again, and a reader sees what it saw', async () => {
  const path = await storeWithList(folder, 1);
  const engine = await openJournaled({ path, growthBytesMax: 2 ** 30 });
  const reader = new LmdbStore(openDatabase({ path, mapSizeBytes: 2 ** 30, readOnly: true }));
  mustBeAll(reader.range(everything), '');
  let longest = 0;
  for (let part = 0; part < 60; part++) {
    await writeSome(engine, 200, 'new');
    longest = Math.max(longest, freeLeaves(path));
  }
  // Each of these transactions has let go of pages that the reader may see.
  expect(longest).toBeLessThan(LEAVES_LONG + 4);
  mustBeAll(reader.range(everything), '');
  reader.release();
  const pages = await pagesOf(path);
  await writeSome(engine, 5000, 'new');
  // It may be packed once more.
  expect(await pagesOf(path)).toBeLessThan(pages + 2 * LEAVES_LONG);
  mustBeAll(reader.range(everything), 'new');
  await reader.close();
  await mustHoldAll(engine, 'new');
  await engine.close();
  expect(await wrongWith(path)).toEqual([]);
});

it('is as good as before where the process ends just after it was packed', async () => {
  const path = await storeWithList(folder, LEAVES_LONG + 4);
  const engine = await openJournaled({ path, growthBytesMax: 2 ** 30 });
  const copy = join(folder, 'copy');
  await writeSome(engine, 1);
  await copyStore(path, copy);
  await engine.close();
  expect(freeLeaves(copy)).toBeLessThan(4);
  expect(await wrongWith(copy)).toEqual([]);
  const again = await openJournaled({ path: copy });
  await mustHoldAll(again);
  await writeSome(again, 1000);
  await mustHoldAll(again);
  await again.close();
  expect(await wrongWith(copy)).toEqual([]);
});

describe('where there is no room to pack it', () => {
  /** Takes so many pages, which is enough for a commit of a few records, and not for a list of all that is free. */
  function smallDisk(pages: number): { bytesLeft: number; readonly allocate: Allocate } {
    const disk = {
      bytesLeft: pages * PAGE_BYTES,
      async allocate(_: number, { length }: Run): Promise<void> {
        if (length > disk.bytesLeft) throw Object.assign(new Error('no room'), { code: 'ENOSPC' });
        disk.bytesLeft -= length;
        throw Object.assign(new Error('zeros will do'), { code: 'ENOTSUP' });
      },
    };
    return disk;
  }

  it('is packed later, and what it lists is used meanwhile', async () => {
    const path = await storeWithList(folder, LEAVES_LONG + 12);
    const disk = smallDisk(45);
    const engine = await openJournaled({ path, allocate: disk.allocate });
    await writeSome(engine, 20);
    expect(freeLeaves(path)).toBeGreaterThan(LEAVES_LONG);
    disk.bytesLeft = 2 ** 30;
    // It is tried again once a second.
    await vi.waitFor(
      async () => {
        await writeSome(engine, 1);
        expect(freeLeaves(path)).toBeLessThan(LEAVES_LONG);
      },
      { timeout: 20_000, interval: 50 },
    );
    await mustHoldAll(engine);
    await engine.close();
    expect(await wrongWith(path)).toEqual([]);
  });

  it('takes no write that LMDB may make it wrong by, and goes on when there is room', async () => {
    const path = await storeWithList(folder, LEAVES_MAX);
    const disk = smallDisk(140);
    const engine = await openJournaled({ path, allocate: disk.allocate });
    // Nothing that is listed is used again meanwhile.
    const reader = new LmdbStore(openDatabase({ path, mapSizeBytes: 2 ** 30, readOnly: true }));
    mustBeAll(reader.range(everything), '');
    const refused = await writeSome(engine, 2000).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'Full', message: expect.stringContaining('no room for the list') });
    expect(freeLeaves(path)).toBeLessThan(LEAVES_MAX + 4);
    reader.release();
    await reader.close();
    disk.bytesLeft = 2 ** 30;
    await writeSome(engine, 200);
    expect(freeLeaves(path)).toBeLessThan(LEAVES_LONG);
    await mustHoldAll(engine);
    await engine.close();
    expect(await wrongWith(path)).toEqual([]);
  });
});

/** By page, the transaction that it is listed under. */
function listedIn(fd: number, header: Header): ReadonlyMap<number, bigint> {
  const listed = new Map<number, bigint>();
  for (const entry of readFreeTree(fd, header).entries)
    for (const { first, count } of freeRunsOf(recordIn(fd, entry, PAGE_BYTES)))
      for (let page = first; page < first + count; page++) listed.set(page, entry.transaction);
  return listed;
}

it('lets nothing be used earlier than before, and what the pinned state lets be used no later than that', async () => {
  const random = randomFrom(20_261_201);
  const file = await newFile({ lastPage: 99_999, transaction: 5000n });
  try {
    const entries: FreeEntry[] = [];
    let page = 100;
    for (let transaction = 1n; transaction < 5000n; transaction += BigInt(1 + Math.floor(random() * 4))) {
      const numbers = Array.from({ length: random() < 0.1 ? 300 : Math.floor(random() * 12) }, () => page++);
      entries.push({ transaction, list: { record: recordOf(numbers) } });
    }
    expect(page).toBeLessThan(100_000);
    const header = await headerIn(file);
    putFreeTree(file.fd, header, { tree: newFreeTree(entries, header) });
    const long = await headerIn(file);
    const before = listedIn(file.fd, long);
    const pins = [1500n, 3000n];
    const tree = packedFreeList(file.fd, long, pins);
    // What is listed, by 508 a page, and the tree above.
    expect(tree.bytes.length / PAGE_BYTES).toBeLessThan(before.size / 508 + long.trees.freePages.leafPages);
    putFreeTree(file.fd, long, { tree });
    const after = listedIn(file.fd, await headerIn(file));
    for (const [page, transaction] of before) {
      const now = after.get(page) ?? 0n;
      expect(now >= transaction, `page ${page}`).toBe(true);
      for (const pin of pins) expect(now < pin, `page ${page}`).toBe(transaction < pin);
    }
  } finally {
    await file.close();
  }
});

it('lists very much that is free in few long records', async () => {
  const count = 9000;
  const firstRun = 2;
  const file = await newFile({ lastPage: firstRun + count * 509 - 1, transaction: BigInt(count + 1) });
  try {
    const entries: FreeEntry[] = [];
    for (let at = 0; at < count; at++) {
      const place = { page: firstRun + at, transaction: 1n, bytes: PAGE_BYTES };
      const page = runPages(
        place,
        recordOf(Array.from({ length: 508 }, (_, index) => firstRun + count + at * 508 + index)),
      );
      await file.write(page, 0, page.length, place.page * PAGE_BYTES);
      entries.push({
        transaction: BigInt(at + 1),
        list: { run: { first: place.page, pages: 1, valueBytes: 509 * 8 } },
      });
    }
    const header = await headerIn(file);
    putFreeTree(file.fd, header, { tree: newFreeTree(entries, header) });
    const long = await headerIn(file);
    expect(long.trees.freePages).toMatchObject({ depth: 2, leafPages: 94, overflowPages: count });
    putFreeTree(file.fd, long, { tree: packedFreeList(file.fd, long, []) });
    const packed = await headerIn(file);
    expect(packed.trees.freePages.leafPages).toBeLessThan(LEAVES_LONG);
    const there = readFreeTree(file.fd, packed).entries.flatMap((entry) => numbersIn(file.fd, entry, packed));
    expect(new Set(there).size).toBe(there.length);
    // Those that were listed, and what the list itself took: leaves, a branch, and the records that are joined now.
    expect(there.length).toBe(count * 508 + 94 + 1 + count);
  } finally {
    await file.close();
  }
});

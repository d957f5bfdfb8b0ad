import { closeSync, openSync, rmSync } from 'node:fs';
import { type FileHandle, mkdir, mkdtemp, open, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Entry, LmdbEngine, RemadeFreeList } from '../src/index.ts';
import { openDatabase } from '../src/lmdb/database.ts';
import { freeRunsOf, numbersOf, recordOf } from '../src/lmdb/freeList.ts';
import { type FreeEntry, readFreeTree, recordIn, replaceFreeTree } from '../src/lmdb/freeTree.ts';
import { freeLeavesIn, type Header, readNewestHeader } from '../src/lmdb/header.ts';
import { LEAVES_LONG, packFreeList } from '../src/lmdb/packedFreeList.ts';
import { runPages } from '../src/lmdb/page.ts';
import { walkPages } from '../src/lmdb/pageCheck.ts';
import { LmdbStore } from '../src/lmdb/store.ts';
import { copyStore, DATA, openJournaled } from './journalRig.ts';
import { bytes, everything, readRange, write } from './shorthand.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-free-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const PAGE_BYTES = 4096;
const RECORDS = 2000;

const LEAF_FLAGS = 0x02;
const KEY = 'a record ';

function entryOf(at: number, version = ''): Entry {
  const number = at % RECORDS;
  return { key: bytes(`${KEY}${number}`), value: Buffer.alloc(150, `value ${number} ${version} `) };
}

function freeLeaves(path: string): number {
  const fd = openSync(join(path, DATA), 'r');
  try {
    return freeLeavesIn(fd);
  } finally {
    closeSync(fd);
  }
}

/** Also: pages that are neither in use nor listed, which nobody would use again. */
async function wrongWith(path: string): Promise<readonly string[]> {
  const reasons: string[] = [];
  const file = await open(join(path, DATA), 'r');
  try {
    const walked = await walkPages(file, ({ reason }) => reasons.push(reason));
    if (walked === undefined) throw new Error(`${path} is empty`);
    const { header, ofData } = walked;
    const { entries, pages } = readFreeTree(file.fd, header);
    let known = 2 + ofData.reduce((sum, isUsed) => sum + isUsed, 0) + pages.length;
    for (const entry of entries) {
      for (const { count } of freeRunsOf(recordIn(file.fd, entry, PAGE_BYTES))) known += count;
      if ('run' in entry.list) known += entry.list.run.pages;
    }
    const lost = header.usedPages + header.freePages - known;
    return lost === 0 ? reasons : [...reasons, `${lost} pages are lost`];
  } finally {
    await file.close();
  }
}

/** Has LMDB's list of free pages so long, as after many transactions that let go of more than they took. @returns where */
async function storeWithList(leaves: number): Promise<string> {
  const path = join(folder, 'store');
  await mkdir(path);
  const store = new LmdbStore(openDatabase({ path, mapSizeBytes: 2 ** 30, noSync: true }));
  store.transactAtOnce(() => store.apply(Array.from({ length: RECORDS }, (_, at) => entryOf(at))));
  // What it keeps is listed, and not used again.
  const pin = store.pin();
  for (let at = 0; freeLeaves(path) < leaves; at++)
    store.transactAtOnce(() => store.apply([entryOf(at * 7)]));
  pin.release();
  await store.close();
  return path;
}

function mustBeAll(there: readonly Entry[], version: string): void {
  expect(there).toHaveLength(RECORDS);
  for (const { key, value } of there)
    expect(value).toEqual(entryOf(Number(Buffer.from(key).toString().slice(KEY.length)), version).value);
}

async function mustHoldAll(engine: LmdbEngine, version = ''): Promise<void> {
  mustBeAll(await readRange(engine, everything), version);
}

/** Each is a transaction of LMDB, as where a reader in another process asks for it. */
async function writeSome(engine: LmdbEngine, count: number, version = ''): Promise<void> {
  for (let at = 0; at < count; at++) {
    const { key, value } = entryOf(at * 7, version);
    await write(engine, [[key, value]]);
    await engine.settle();
  }
}

/** Has each record of its list that lies in a leaf begin with that page. */
async function listAsFree(path: string, page: number): Promise<void> {
  const name = join(path, DATA);
  const file = await readFile(name);
  for (let at = 2 * PAGE_BYTES; at < file.length; at += PAGE_BYTES) {
    if (file.readUInt16LE(at + 18) !== LEAF_FLAGS) continue;
    const first = at + 24 + file.readUInt16LE(at + 24);
    const isOfFreePages = file.readUInt16LE(first + 6) === 8 && file.readUInt16LE(first + 4) === 0;
    if (isOfFreePages && file.readUInt16LE(at + 20) > 0)
      file.writeBigInt64LE(BigInt(page), first + 8 + 8 + 8);
  }
  await writeFile(name, file);
}

async function headerIn(file: FileHandle): Promise<Header> {
  const header = await readNewestHeader(file);
  if (header === undefined) throw new Error('there is no header');
  return header;
}

async function headerOf(path: string): Promise<Header> {
  const handle = await open(join(path, DATA), 'r');
  try {
    return await headerIn(handle);
  } finally {
    await handle.close();
  }
}

/** That LMDB has numbered. */
async function pagesOf(path: string): Promise<number> {
  const { usedPages, freePages } = await headerOf(path);
  return usedPages + freePages;
}

it('is packed at a start when it is so long that LMDB may make it wrong, and what it lists is used', async () => {
  const path = await storeWithList(180);
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
  const path = await storeWithList(1);
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

it.each([50, 100, 200])('is as good as before where the process ends after %i writes', async (writes) => {
  const path = await storeWithList(LEAVES_LONG - 2);
  const engine = await openJournaled({ path, growthBytesMax: 2 ** 30 });
  // It is packed somewhere among these.
  for (let at = 0; at < writes; at++) await writeSome(engine, 20);
  const copy = join(folder, 'copy');
  await copyStore(path, copy);
  await engine.close();
  expect(await wrongWith(copy)).toEqual([]);
  const again = await openJournaled({ path: copy });
  await mustHoldAll(again);
  await writeSome(again, 1000);
  await mustHoldAll(again);
  await again.close();
  expect(await wrongWith(copy)).toEqual([]);
});

it('lists very much that is free in few long records', async () => {
  const count = 9000;
  const firstRun = 2;
  const file = await open(join(folder, 'list'), 'w+');
  try {
    for (const slot of [0, 1]) {
      const meta = Buffer.alloc(PAGE_BYTES);
      meta.writeUInt32LE(0xbeefc0de, 24);
      meta.writeUInt32LE(2, 28);
      meta.writeUInt32LE(PAGE_BYTES, 48);
      for (const root of [88, 136]) meta.writeBigInt64LE(-1n, root);
      meta.writeBigUInt64LE(BigInt(firstRun + count - 1), 144);
      meta.writeBigUInt64LE(BigInt(count + slot), 152);
      await file.write(meta, 0, PAGE_BYTES, slot * PAGE_BYTES);
    }
    const entries: FreeEntry[] = [];
    for (let at = 0; at < count; at++) {
      const place = { page: firstRun + at, transaction: 1n, bytes: PAGE_BYTES };
      const page = runPages(
        place,
        recordOf(Array.from({ length: 508 }, (_, index) => 20_000 + at * 1016 + 2 * index)),
      );
      await file.write(page, 0, page.length, place.page * PAGE_BYTES);
      entries.push({
        transaction: BigInt(at + 1),
        list: { run: { first: place.page, pages: 1, valueBytes: 509 * 8 } },
      });
    }
    replaceFreeTree(file.fd, await headerIn(file), { entries });
    const long = await headerIn(file);
    expect(long.trees.freePages).toMatchObject({ depth: 2, leafPages: 94, overflowPages: count });
    packFreeList(file.fd, long);
    const packed = await headerIn(file);
    expect(packed.trees.freePages.leafPages).toBeLessThan(LEAVES_LONG);
    const there = readFreeTree(file.fd, packed).entries.flatMap((entry) =>
      numbersOf(recordIn(file.fd, entry, PAGE_BYTES)),
    );
    expect(new Set(there).size).toBe(there.length);
    // Those that were listed, and what the list itself took: leaves, a branch, and the records that are joined now.
    expect(there.length).toBe(count * 508 + 94 + 1 + count);
  } finally {
    await file.close();
  }
});

describe('is made anew at a start', () => {
  it('when it is wrong, with what the journal has to replay', async () => {
    const told: RemadeFreeList[] = [];
    const onRemadeFreeList = (remade: RemadeFreeList) => told.push(remade);
    const path = await storeWithList(40);
    const engine = await openJournaled({ path });
    await writeSome(engine, 100);
    const copy = join(folder, 'copy');
    await copyStore(path, copy);
    await engine.close();
    // Of the base, which is what the start goes on from, and of what LMDB had since.
    await listAsFree(copy, Number((await headerOf(copy)).trees.data.root));
    expect(await wrongWith(copy)).not.toEqual([]);
    const again = await openJournaled({ path: copy, pageCheckMsMax: 10_000, onRemadeFreeList });
    expect(told).toEqual([{ pages: expect.any(Number), reason: expect.stringMatching(/^page \d+: /) }]);
    await mustHoldAll(again);
    await writeSome(again, 2000);
    await mustHoldAll(again);
    await again.close();
    expect(await wrongWith(copy)).toEqual([]);
  });
});

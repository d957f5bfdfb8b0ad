import { closeSync, openSync, rmSync } from 'node:fs';
import { type FileHandle, mkdir, mkdtemp, open, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Entry, LmdbEngine, RemadeFreeList } from '../src/index.ts';
import { openDatabase } from '../src/lmdb/database.ts';
import { freeRunsOf, recordOf } from '../src/lmdb/freeList.ts';
import { type FreeEntry, numbersIn, readFreeTree, recordIn } from '../src/lmdb/freeTree.ts';
import { freeLeavesIn, type Header, readNewestHeader } from '../src/lmdb/header.ts';
import { newFreeTree, putFreeTree } from '../src/lmdb/newFreeTree.ts';
import { LEAVES_LONG, LEAVES_MAX, packedFreeList } from '../src/lmdb/packedFreeList.ts';
import { runPages } from '../src/lmdb/page.ts';
import { walkPages } from '../src/lmdb/pageCheck.ts';
import { LmdbStore } from '../src/lmdb/store.ts';
import { copyStore, DATA, openJournaled } from './journalRig.ts';
import { bytes, everything, randomFrom, readRange, write } from './shorthand.ts';

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
  const path = await storeWithList(LEAVES_MAX + 1);
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

it('is as good as before where the process ends just after it was packed', async () => {
  const path = await storeWithList(LEAVES_LONG - 1);
  const engine = await openJournaled({ path, growthBytesMax: 2 ** 30 });
  const copy = join(folder, 'copy');
  while (freeLeaves(path) >= LEAVES_LONG / 2) await writeSome(engine, 1);
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

describe('is made anew at a start', () => {
  const told: RemadeFreeList[] = [];
  const onRemadeFreeList = (remade: RemadeFreeList) => told.push(remade);
  beforeEach(() => {
    told.length = 0;
  });

  /** Of a store that was killed: its base, which the start goes on from, and what LMDB had since. */
  async function killedWithWrongList(): Promise<string> {
    const path = await storeWithList(40);
    const engine = await openJournaled({ path });
    await writeSome(engine, 100);
    const killed = join(folder, 'killed');
    await copyStore(path, killed);
    await engine.close();
    await listAsFree(killed, Number((await headerOf(killed)).trees.data.root));
    expect(await wrongWith(killed)).not.toEqual([]);
    return killed;
  }

  it('when it is wrong, with what the journal has to replay', async () => {
    const path = await killedWithWrongList();
    const engine = await openJournaled({ path, pageCheckMsMax: 10_000, onRemadeFreeList });
    expect(told).toEqual([{ pages: expect.any(Number), reason: expect.stringMatching(/^page \d+: /) }]);
    await mustHoldAll(engine);
    await writeSome(engine, 2000);
    await mustHoldAll(engine);
    await engine.close();
    expect(await wrongWith(path)).toEqual([]);
  });

  it('again, when the one before was killed before its end', async () => {
    const path = await killedWithWrongList();
    const again = join(folder, 'again');
    // It has replayed the journal, and what it goes on from is what it was.
    const engine = await openJournaled({
      path,
      pageCheckMsMax: 10_000,
      beforeBase: () => copyStore(path, again),
    });
    await engine.close();
    const next = await openJournaled({ path: again, pageCheckMsMax: 10_000, onRemadeFreeList });
    expect(told).toHaveLength(1);
    await mustHoldAll(next);
    await writeSome(next, 2000);
    await next.close();
    expect(await wrongWith(again)).toEqual([]);
  });

  it.each([60, LEAVES_MAX + 1])(
    'when it is damaged, of a store that was closed in order (%i leaves)',
    async (leaves) => {
      const path = await storeWithList(leaves);
      const name = join(path, DATA);
      const file = await readFile(name);
      const root = Number((await headerOf(path)).trees.freePages.root) * PAGE_BYTES;
      file.writeUInt16LE(0, root + 24 + file.readUInt16LE(root + 24 + 2 * 50) + 4 + 2);
      file.writeUInt16LE(LEAF_FLAGS, root + 18);
      await writeFile(name, file);
      const engine = await openJournaled({ path, onRemadeFreeList });
      expect(told).toHaveLength(1);
      await writeSome(engine, 2000);
      await mustHoldAll(engine);
      await engine.close();
      expect(await wrongWith(path)).toEqual([]);
    },
  );

  it('but not where the header says that the file ends before its data', async () => {
    const path = await storeWithList(40);
    await listAsFree(path, Number((await headerOf(path)).trees.data.root));
    const name = join(path, DATA);
    const file = await readFile(name);
    for (const meta of [0, PAGE_BYTES]) file.writeBigUInt64LE(20n, meta + 144);
    await writeFile(name, file);
    const refused = await openJournaled({ path, pageCheckMsMax: 10_000 }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'Damaged' });
    expect((await readFile(name)).equals(file)).toBe(true);
  });
});

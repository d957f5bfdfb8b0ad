/** Stores whose list of free pages is long, and what there is to see of them. */

import { closeSync, openSync } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Entry, LmdbEngine } from '../src/index.ts';
import { openDatabase } from '../src/lmdb/database.ts';
import { freeRunsOf } from '../src/lmdb/freeList.ts';
import { readFreeTree, recordIn } from '../src/lmdb/freeTree.ts';
import { freeLeavesIn, type Header, readNewestHeader } from '../src/lmdb/header.ts';
import { walkPages } from '../src/lmdb/pageCheck.ts';
import { LmdbStore } from '../src/lmdb/store.ts';
import { DATA } from './journalRig.ts';
import { bytes, everything, readRange, write } from './shorthand.ts';

export const PAGE_BYTES = 4096;
const RECORDS = 2000;
const KEY = 'a record ';

function entryOf(at: number, version = ''): Entry {
  const number = at % RECORDS;
  return { key: bytes(`${KEY}${number}`), value: Buffer.alloc(150, `value ${number} ${version} `) };
}

export function freeLeaves(path: string): number {
  const fd = openSync(join(path, DATA), 'r');
  try {
    return freeLeavesIn(fd);
  } finally {
    closeSync(fd);
  }
}

/** Also: pages that are neither in use nor listed, which nobody would use again. */
export async function wrongWith(path: string): Promise<readonly string[]> {
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
export async function storeWithList(folder: string, leaves: number): Promise<string> {
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

export function mustBeAll(there: readonly Entry[], version: string): void {
  expect(there).toHaveLength(RECORDS);
  for (const { key, value } of there)
    expect(value).toEqual(entryOf(Number(Buffer.from(key).toString().slice(KEY.length)), version).value);
}

export async function mustHoldAll(engine: LmdbEngine, version = ''): Promise<void> {
  mustBeAll(await readRange(engine, everything), version);
}

/** Each is a transaction of LMDB, as where a reader in another process asks for it. */
export async function writeSome(engine: LmdbEngine, count: number, version = ''): Promise<void> {
  for (let at = 0; at < count; at++) {
    const { key, value } = entryOf(at * 7, version);
    await write(engine, [[key, value]]);
    await engine.settle();
  }
}

export async function headerIn(file: FileHandle): Promise<Header> {
  const header = await readNewestHeader(file);
  if (header === undefined) throw new Error('there is no header');
  return header;
}

export async function headerOf(path: string): Promise<Header> {
  const handle = await open(join(path, DATA), 'r');
  try {
    return await headerIn(handle);
  } finally {
    await handle.close();
  }
}

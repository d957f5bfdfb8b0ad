import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Journal } from '@facet/journal';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type Bytes, type EngineError, openLmdbEngine } from '../src/index.ts';
import { ColdReads } from '../src/lmdb/coldReads.ts';
import { openDatabase } from '../src/lmdb/database.ts';
import { DataFile } from '../src/lmdb/dataFile.ts';
import { LmdbEngine } from '../src/lmdb/engine.ts';
import { environmentOf } from '../src/lmdb/environment.ts';
import { readNewestHeader } from '../src/lmdb/header.ts';
import { JournaledCommit } from '../src/lmdb/journaledCommit.ts';
import { LmdbStore } from '../src/lmdb/store.ts';
import { openJournaledHere } from './journaledHere.ts';
import { contents, copyStore, DATA, folderDisk } from './journalRig.ts';
import { bytes, get, write } from './shorthand.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-journal-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('a store with a journal', () => {
  it('replays nothing after it was closed', async () => {
    const engine = await openJournaledHere({ path: folder });
    await write(engine, [[bytes('a'), bytes('1')]]);
    await engine.close();
    const journal = await Journal.open({ disk: folderDisk(folder) });
    const replayed = [];
    for await (const record of journal.replay()) replayed.push(record);
    expect(replayed).toEqual([]);
    await journal.close();
    // Nor does it need its journal then.
    const without = await openLmdbEngine({ path: folder });
    expect(await get(without, bytes('a'))).toEqual(bytes('1'));
    await without.close();
  });

  it('opens one that was made without a journal', async () => {
    const without = await openLmdbEngine({ path: folder });
    await write(without, [[bytes('a'), bytes('1')]]);
    await without.close();
    const engine = await openJournaledHere({ path: folder });
    expect(await get(engine, bytes('a'))).toEqual(bytes('1'));
    await engine.close();
  });

  const newestTransaction = async (): Promise<bigint> => {
    const handle = await open(join(folder, DATA), 'r');
    const header = await readNewestHeader(handle);
    await handle.close();
    return header?.transaction ?? 0n;
  };

  it('gives many batches to one transaction of LMDB, and shows each of them at once', async () => {
    const engine = await openJournaledHere({ path: folder });
    const before = await newestTransaction();
    for (let at = 0; at < 100; at++) {
      await write(engine, [[bytes(`${at}`), bytes(`${at}`)]]);
      expect(await get(engine, bytes(`${at}`))).toEqual(bytes(`${at}`));
      expect(Object.keys(await contents(engine))).toHaveLength(at + 1);
      // Who asks for room, as all do on a full disk, ends none: it would take more pages than were counted on.
      await engine.spareBytes();
    }
    expect((await newestTransaction()) - before).toBeLessThanOrEqual(10n);
    // A store at rest is clean.
    await expect.poll(newestTransaction, { timeout: 20_000 }).toBeGreaterThan(before);
    await engine.close();
    const without = await openLmdbEngine({ path: folder });
    expect(Object.keys(await contents(without))).toHaveLength(100);
    await without.close();
  });

  /** An engine on an LMDB whose functions can be made to fail. */
  async function openInside() {
    const journal = await Journal.open({ disk: folderDisk(folder) });
    const database = openDatabase({ path: folder, mapSizeBytes: 2 ** 30, noSync: true });
    const file = await DataFile.of(await open(join(folder, DATA), 'r+'));
    const store = new LmdbStore(database);
    const parts = { store, journal, file, path: folder, onFailure: () => undefined };
    const commit = await JournaledCommit.begin(parts, async () => undefined);
    const fatal: EngineError[] = [];
    const onFatal = (error: EngineError) => fatal.push(error);
    const engine = new LmdbEngine({ store, commit, cold: new ColdReads(), path: folder, onFatal });
    onTestFinished(async () => {
      await engine.close();
      // One that failed can not be closed; its files can.
      await journal.close();
      await file.handle.close();
    });
    return { engine, database, fatal };
  }

  it('ends when LMDB does not commit what was acknowledged, and has it after a start', async () => {
    const { engine, database, fatal } = await openInside();
    for (const key of ['a', 'b']) await write(engine, [[bytes(key), bytes('1')]]);
    Object.defineProperty(environmentOf(database), 'commitTxn', {
      value: () => {
        throw Object.assign(new Error('planted'), { code: 28 });
      },
    });
    // As many as are gathered at most.
    const many = Array.from({ length: 400 }, (_, at) => [bytes(`m${at}`), bytes('1')] as const);
    await expect(write(engine, many)).rejects.toMatchObject({ code: 'Failed' });
    // Not what LMDB had before.
    await expect(get(engine, bytes('a'))).rejects.toMatchObject({ code: 'Failed' });
    await expect(write(engine, [[bytes('c'), bytes('1')]])).rejects.toMatchObject({ code: 'Failed' });
    expect(fatal).toHaveLength(1);
    const crashed = join(folder, 'crashed');
    await copyStore(folder, crashed);
    const after = await openJournaledHere({ path: crashed });
    expect(await contents(after)).toMatchObject({ a: '1 49', b: '1 49' });
    await after.close();
  });

  it('makes a batch void that LMDB does not take, and goes on', async () => {
    const { engine, database } = await openInside();
    for (const key of ['a', 'd']) await write(engine, [[bytes(key), bytes('1')]]);
    const put = database.put.bind(database);
    Object.assign(database, {
      put: (key: Bytes, value: Buffer) => {
        if (value.toString('latin1').startsWith('refused'))
          throw Object.assign(new Error('planted'), { code: 28 });
        return put(key, value);
      },
    });
    const refused: [Bytes, Bytes][] = [
      [bytes('a'), bytes('2')],
      [bytes('b'), bytes('refused')],
    ];
    await expect(write(engine, refused)).rejects.toMatchObject({ code: 'Full' });
    expect(await get(engine, bytes('b'))).toBeUndefined();
    expect(await contents(engine)).toEqual({ a: '1 49', d: '1 49' });
    await write(engine, [[bytes('c'), bytes('1')]]);
    // As after a crash: with what the journal holds, and LMDB's file as it is.
    const crashed = join(folder, 'crashed');
    await copyStore(folder, crashed);
    const after = await openJournaledHere({ path: crashed });
    expect(await contents(after)).toEqual({ a: '1 49', c: '1 49', d: '1 49' });
    await after.close();
    await engine.close();
  });

  it('refuses what no record of the journal holds, and goes on', async () => {
    const engine = await openJournaledHere({ path: folder });
    const value = Buffer.alloc(1 << 20, '1');
    const before = write(engine, [[bytes('a'), bytes('1')]]);
    const long = write(
      engine,
      Array.from({ length: 65 }, (_, at) => [bytes(`long ${at}`), value]),
    );
    const after = write(engine, [[bytes('b'), bytes('1')]]);
    await expect(long).rejects.toMatchObject({ code: 'TooLarge' });
    await Promise.all([before, after]);
    await write(engine, [[bytes('c'), bytes('1')]]);
    expect(await contents(engine)).toEqual({ a: '1 49', b: '1 49', c: '1 49' });
    await engine.close();
  });

  it('says that the disk is full when there is no room to begin a journal', async () => {
    const before = await openLmdbEngine({ path: folder });
    await write(before, [[bytes('a'), bytes('1')]]);
    await before.close();
    const create = async () => {
      throw Object.assign(new Error('planted'), { code: 'ENOSPC' });
    };
    const full = await Journal.open({ disk: { ...folderDisk(folder), create } });
    const replay = async () => undefined;
    const opened = openLmdbEngine({ path: folder, journal: { journal: full, replay } });
    await expect(opened).rejects.toMatchObject({ code: 'Full' });
    const after = await openJournaledHere({ path: folder });
    expect(await contents(after)).toEqual({ a: '1 49' });
    await after.close();
  });
});

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, type TestContext } from 'vitest';
import {
  type Bytes,
  type Engine,
  EngineError,
  LmdbReplica,
  type Op,
  openLmdbEngine,
  type ReadTx,
} from '../src/index.ts';
import { ColdReads, type ReadPlace } from '../src/lmdb/coldReads.ts';
import { openDatabase } from '../src/lmdb/database.ts';
import { fillLockFile } from '../src/lmdb/lockFile.ts';
import { Pin } from '../src/lmdb/pin.ts';
import { LmdbStore } from '../src/lmdb/store.ts';
import { alwaysCold, bytes, everything, get, increment, keyStrings, readRange, write } from './shorthand.ts';

const MAP_SIZE_BYTES = 2 ** 30;
/** More than are between two looks. */
const OPERATIONS = 10_000;
const USUAL_MS = 0.02;

let folder = '';
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-cold-'));
});
afterEach(() => rm(folder, { recursive: true }));

describe('whether reads wait for the disk', () => {
  let faults = 0;
  let looks = 0;
  let cold: ColdReads;
  beforeEach(() => {
    [faults, looks] = [0, 0];
    cold = new ColdReads({
      faults: () => {
        looks += 1;
        return faults;
      },
    });
  });

  /** @returns the share of them that was to be warmed up */
  function share(each: { readonly ms: number; readonly faults: number }): number {
    let warmed = 0;
    for (let at = 0; at < OPERATIONS; at += 1) {
      if (cold.isCold) warmed += 1;
      faults += each.faults;
      cold.ran(cold.isCold ? USUAL_MS : each.ms);
    }
    return warmed / OPERATIONS;
  }

  it('follows from page faults and the time that they take', () => {
    expect(share({ ms: USUAL_MS, faults: 0 })).toBe(0);
    expect(share({ ms: 0.5, faults: 1 })).toBeGreaterThan(0.9);
    expect(share({ ms: 0.5, faults: 1 })).toBe(1);
    expect(share({ ms: USUAL_MS, faults: 0 })).toBeLessThan(0.2);
    expect(share({ ms: USUAL_MS, faults: 0 })).toBe(0);
    expect(looks).toBeLessThan(OPERATIONS / 10);
  });

  it('follows at once from one page fault that took long', () => {
    faults += 1;
    cold.ran(20);
    expect(cold.isCold).toBe(true);
  });

  it('follows from them also after one operation that took long', () => {
    cold.ran(1000);
    expect(share({ ms: USUAL_MS, faults: 0 })).toBe(0);
    cold.ran(1000);
    expect(share({ ms: 0.5, faults: 1 })).toBeGreaterThan(0.9);
  });

  it('does not follow from slow operations without, nor from few that took next to nothing', () => {
    expect(share({ ms: 5, faults: 0 })).toBe(0);
    expect(share({ ms: 5, faults: 0.1 })).toBe(0);
  });
});

describe('an operation that is warmed up', () => {
  let store: LmdbStore;
  let place: ReadPlace;
  /** In order: what was fetched, what was read. */
  let log: string[];

  beforeEach(async () => {
    const database = openDatabase({ path: folder, mapSizeBytes: MAP_SIZE_BYTES });
    store = new LmdbStore(database);
    await store.transact(() =>
      store.apply([
        { key: bytes('a'), value: bytes('b') },
        { key: bytes('b'), value: bytes('c') },
        { key: bytes('c'), value: bytes('end') },
      ]),
    );
    log = [];
    const names = (keys: readonly Bytes[]): string => keys.map((key) => Buffer.from(key)).join(',');
    place = {
      store: {
        get: (key) => {
          log.push(`get ${names([key])}`);
          return store.get(key);
        },
        range: (range) => {
          log.push(`range ${names([range.start])}`);
          return store.range(range);
        },
        fetch: (keys) => {
          log.push(`fetch ${names(keys)}`);
          return store.fetch(keys);
        },
        release: () => store.release(),
        takeReadFailure: () => store.takeReadFailure(),
      },
      isOpen: () => true,
    };
  });
  afterEach(() => store.close());

  function* follow(tx: ReadTx): Op<number> {
    let steps = 0;
    for (let key: Bytes | undefined = bytes('a'); key; key = yield* tx.get(key)) steps += 1;
    return steps;
  }

  it('has each record fetched before it is read, where the one before led to it', async () => {
    await alwaysCold().warmRead(follow, place);
    expect(log).toEqual([
      ...['fetch a', 'get a', 'fetch b', 'get b', 'fetch c', 'get c'],
      ...['fetch end', 'get end'],
    ]);
  });

  it('has nothing fetched that was a moment ago', async () => {
    const cold = alwaysCold();
    await cold.warmRead(follow, place);
    log = [];
    await cold.warmRead(follow, place);
    expect(log).toEqual(['get a', 'get b', 'get c', 'get end']);
  });

  it('has many fetched by several threads', async () => {
    const keys = Array.from({ length: 100 }, (_, at) => bytes(`key ${at}`));
    await alwaysCold().warmRead((tx) => tx.getMany(keys), place);
    expect(log.filter((line) => line.startsWith('fetch')).length).toBeGreaterThan(4);
  });

  it('reads what it has written, and writes nothing', async () => {
    let seen: Bytes | undefined;
    await alwaysCold().warmWrite(function* (tx) {
      tx.put(bytes('a'), bytes('other'));
      tx.delete(bytes('b'));
      const found = yield* tx.range(everything);
      seen = yield* tx.get(bytes('a'));
      return found;
    }, place);
    expect(seen).toEqual(bytes('other'));
    expect(keyStrings(store.range(everything))).toEqual(['a', 'b', 'c']);
    expect(store.get(bytes('a'))).toEqual(bytes('b'));
    store.release();
  });

  it('is left to itself when it goes on and on, when it fails, and when the store is closed', async () => {
    let steps = 0;
    await alwaysCold().warmRead(function* (tx) {
      for (;;) {
        steps += 1;
        yield* tx.get(bytes(`key ${steps}`));
      }
    }, place);
    expect(steps).toBeLessThan(100);
    await alwaysCold().warmRead(() => {
      throw new Error('on purpose');
    }, place);
    log = [];
    await alwaysCold().warmRead(follow, { ...place, isOpen: () => false });
    expect(log).toEqual([]);
    await alwaysCold().warmRead(follow, { ...place, isOpen: () => log.length === 0 });
    expect(log).toEqual(['fetch a']);
  });

  it('may ask for what can be no key', async () => {
    const keys = [Buffer.alloc(0), Buffer.alloc(2000, 1), Buffer.alloc(20_000, 1)];
    for (const key of keys) {
      await store.fetch([key, bytes('a')]);
      await alwaysCold().warmRead((tx) => tx.range({ start: key, end: key, limit: 1 }), place);
    }
    expect(store.get(bytes('a'))).toEqual(bytes('b'));
    store.release();
  });

  it('tells nobody of a damaged record: that is for the operation itself', async () => {
    const database = openDatabase({ path: folder, mapSizeBytes: MAP_SIZE_BYTES });
    await database.put(bytes('b'), Buffer.from('without a seal'));
    await database.close();
    const told: string[] = [];
    const onDamaged = (key: Bytes) => told.push(Buffer.from(key).toString());
    await alwaysCold().warmRead((tx) => tx.range({ ...everything, onDamaged }), place);
    await alwaysCold().warmRead(function* (tx) {
      try {
        return yield* tx.get(bytes('b'));
      } catch {
        told.push('caught');
        return undefined;
      }
    }, place);
    expect(told).toEqual([]);
    expect(keyStrings(store.range({ ...everything, onDamaged }))).toEqual(['a', 'c']);
    expect(told).toEqual(['b']);
    store.release();
  });
});

describe('an engine whose reads wait for the disk', () => {
  it('does all writes that it took before it closes, and refuses reads from then on', async () => {
    const engine = await openLmdbEngine({ path: folder, cold: alwaysCold() });
    const counts = Array.from({ length: 20 }, () => engine.write((tx) => increment(tx, bytes('count'))));
    const closing = engine.close();
    expect((await Promise.all(counts)).toSorted((a, b) => a - b)).toEqual(counts.map((_, at) => at + 1));
    await closing;
    await expect(engine.read((tx) => tx.get(bytes('count')))).rejects.toThrow(EngineError);
    await expect(engine.write((tx) => increment(tx, bytes('count')))).rejects.toThrow(EngineError);
  });

  it('does writes in the order in which they came, whatever of them has to be fetched', async () => {
    const engine = await openLmdbEngine({ path: folder, cold: alwaysCold() });
    for (let round = 0; round < 20; round += 1) {
      const first = engine.write(function* (tx) {
        for (let at = 0; at < 5; at += 1) yield* tx.get(bytes(`${round} ${at}`));
        tx.put(bytes('last'), bytes('first'));
        return yield* tx.getMany([]);
      });
      const second = write(engine, [[bytes('last'), bytes('second')]]);
      await Promise.all([first, second]);
      expect(await get(engine, bytes('last'))).toEqual(bytes('second'));
    }
    await engine.close();
  });

  it('has nothing of LMDB mapped any more when it is closed, nor has a replica', async () => {
    const maps = (): number =>
      readFileSync('/proc/self/maps', 'utf8')
        .split('\n')
        .filter((line) => line.includes(folder)).length;
    const keys = Array.from({ length: 1000 }, (_, at) => bytes(`key ${at}`));
    const engine = await openLmdbEngine({ path: folder, cold: alwaysCold() });
    await write(
      engine,
      keys.map((key) => [key, key]),
    );
    const reads = Array.from({ length: 20 }, () => engine.read((tx) => tx.getMany(keys)));
    await Promise.all([engine.close(), Promise.allSettled(reads)]);
    expect(maps()).toBe(0);
    const replica = new LmdbReplica({ path: folder, cold: alwaysCold() });
    replica.open();
    const warming = Array.from({ length: 20 }, () => replica.warm((tx) => tx.getMany(keys)));
    // Until threads are at it.
    for (let turns = 0; turns < 10; turns += 1) await Promise.resolve();
    await replica.close();
    expect(maps()).toBe(0);
    await Promise.all(warming);
  });

  it('can be closed while it fetches', async () => {
    const engine = await openLmdbEngine({ path: folder, cold: alwaysCold() });
    const keys = Array.from({ length: 1000 }, (_, at) => bytes(`key ${at}`));
    const reads = Array.from({ length: 50 }, () => engine.read((tx) => tx.getMany(keys)));
    const closing = engine.close();
    const ends = await Promise.allSettled(reads);
    for (const end of ends) {
      if (end.status === 'rejected') expect(end.reason).toMatchObject({ code: 'Closed' });
    }
    await closing;
  });

  it('has places in its lock file for more readers than LMDB makes', async () => {
    await fillLockFile(folder);
    const database = openDatabase({ path: folder, mapSizeBytes: MAP_SIZE_BYTES });
    const readers = Array.from({ length: 256 * 9 }, () => new Pin(database));
    for (const reader of readers) reader.release();
    await database.close();
  });

  it('has threads meet the page faults', async (context) => {
    const filled = await openLmdbEngine({ path: folder });
    await fill(filled);
    await filled.close();
    dropFromMemory(join(folder, 'data.mdb'), context);
    const store = new LmdbStore(openDatabase({ path: folder, mapSizeBytes: MAP_SIZE_BYTES }));
    const keys = Array.from({ length: 50 }, (_, at) => numbered(at * 199));
    const faults = (): number => process.resourceUsage().majorPageFault;
    try {
      const before = faults();
      await store.fetch(keys);
      const fetched = faults() - before;
      for (const key of keys) expect(store.get(key)).toHaveLength(VALUE_BYTES);
      store.release();
      // How many depends on how far the system reads ahead.
      expect(fetched).toBeGreaterThan(0);
      expect(faults() - before - fetched).toBe(0);
    } finally {
      await store.close();
    }
  });
});

const VALUE_BYTES = 500;
const numbered = (at: number): Bytes => bytes(`key ${String(at).padStart(6, '0')}`);

async function fill(engine: Engine): Promise<void> {
  await engine.write(function* (tx) {
    for (let at = 0; at < 10_000; at += 1) tx.put(numbered(at), Buffer.alloc(VALUE_BYTES, at));
    return yield* tx.getMany([]);
  });
  expect(await readRange(engine, { ...everything, limit: 1 })).toHaveLength(1);
}

/** What the page cache has of it, as dd of GNU asks for. */
function dropFromMemory(file: string, { skip }: TestContext): void {
  const fileSystem = execFileSync('stat', ['--file-system', '--format=%T', file], { encoding: 'utf8' });
  if (fileSystem.trim() === 'tmpfs') skip('a file of tmpfs is nowhere but in memory');
  execFileSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0'], { stdio: 'ignore' });
}

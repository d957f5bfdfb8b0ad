import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GetOptions } from 'lmdb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Bytes, Engine, EngineError, Op, WriteTx } from '../src/index.ts';
import { ColdReads } from '../src/lmdb/coldReads.ts';
import { TransactionCommit } from '../src/lmdb/commit.ts';
import { type BytesDatabase, openDatabase } from '../src/lmdb/database.ts';
import { LmdbEngine } from '../src/lmdb/engine.ts';
import { LmdbStore } from '../src/lmdb/store.ts';

const MDB_MAP_FULL = -30792;
const MDB_READERS_FULL = -30790;
const EIO = 5;

/** Faults planted in lmdb-js: each says with which code a call fails, if it does. */
interface Faults {
  put: (key: Bytes) => number | undefined;
  get: (key: Bytes) => number | undefined;
  commit: () => number | undefined;
}

const bytes = (value: string): Bytes => Buffer.from(value);
const text = (value: Bytes) => Buffer.from(value).toString();

let folder: string;
let database: BytesDatabase;
let engine: Engine;
let faults: Faults;
let transactionsCount: number;
let puts: string[];
let fatal: EngineError[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-batches-'));
  database = openDatabase({ path: folder, mapSizeBytes: 2 ** 30 });
  faults = { put: () => undefined, get: () => undefined, commit: () => undefined };
  transactionsCount = 0;
  puts = [];
  plant(database);
  fatal = [];
  const store = new LmdbStore(database);
  engine = new LmdbEngine({
    store,
    commit: new TransactionCommit(store),
    cold: new ColdReads(),
    path: folder,
    onFatal: (error) => fatal.push(error),
  });
});
afterEach(async () => {
  await engine.close();
  await rm(folder, { recursive: true });
});

function plant(database: BytesDatabase): void {
  const put = database.put.bind(database);
  const get = database.get.bind(database);
  const childTransaction = database.childTransaction.bind(database);
  Object.assign(database, {
    put(key: Bytes, value: Buffer) {
      failWith(faults.put(key));
      puts.push(text(key));
      return put(key, value);
    },
    get(key: Bytes, options?: GetOptions) {
      failWith(faults.get(key));
      return get(key, options);
    },
    async childTransaction(batch: () => void) {
      transactionsCount++;
      failWith(faults.commit());
      await childTransaction(batch);
    },
  });
}

function failWith(code: number | undefined): void {
  if (code !== undefined) throw Object.assign(new Error(`planted error ${code}`), { code });
}

/** LMDB lists each reader with the number of its snapshot, or `-` when it has none. */
function snapshotsHeld(): number {
  return database.readerList().match(/^ +\d+ +\w+ +\d+$/gm)?.length ?? 0;
}

/** Every key and value, as text. */
async function contents(): Promise<Record<string, string>> {
  const range = { start: bytes('\0'), end: bytes('~'), limit: 1000 };
  const entries = await engine.read((tx) => tx.range(range));
  return Object.fromEntries(entries.map(({ key, value }) => [text(key), text(value)]));
}

function putting(...names: string[]): (tx: WriteTx) => Op<string> {
  return function* (tx) {
    for (const name of names) tx.put(bytes(name), bytes('v'));
    return `${yield* tx.get(bytes(names[0] ?? ''))}`;
  };
}

describe('a batch', () => {
  it('is one transaction, which puts a key that all its operations write once', async () => {
    const increments = Array.from({ length: 64 }, () =>
      engine.write(function* (tx) {
        const next = Number((yield* tx.get(bytes('count'))) ?? 0) + 1;
        tx.put(bytes('count'), bytes(String(next)));
        return next;
      }),
    );
    expect(await Promise.all(increments)).toEqual(Array.from({ length: 64 }, (_, at) => at + 1));
    expect(transactionsCount).toBeLessThan(64);
    expect(puts).toEqual(Array(transactionsCount).fill('count'));
  });

  it('stops after some milliseconds, and operations end in the order they came', async () => {
    let inTransaction = 0;
    let inTransactionMax = 0;
    const ended: number[] = [];
    const slow = (at: number) =>
      engine.write(function* (tx) {
        inTransaction = transactionsCount === inTransactionOf ? inTransaction + 1 : 1;
        inTransactionOf = transactionsCount;
        inTransactionMax = Math.max(inTransactionMax, inTransaction);
        const end = performance.now() + 1;
        while (performance.now() < end);
        tx.put(bytes(`slow ${at}`), bytes('v'));
        return yield* tx.get(bytes('absent'));
      });
    let inTransactionOf = 0;
    await Promise.all(Array.from({ length: 40 }, (_, at) => slow(at).then(() => ended.push(at))));
    // Each takes 1 ms at least, and a batch may take 5.
    expect(inTransactionMax).toBeLessThanOrEqual(6);
    expect(ended).toEqual(Array.from({ length: 40 }, (_, at) => at));
  });

  it('holds a bounded number of writes', async () => {
    const wide = (at: number) => putting(...Array.from({ length: 1000 }, (_, n) => `${at}/${n}`));
    await Promise.all(Array.from({ length: 8 }, (_, at) => engine.write(wide(at))));
    expect(transactionsCount).toBeGreaterThan(1);
    expect(puts.length).toBe(8000);
  });

  it('that does not fit leaves nothing, and its operations run again one by one', async () => {
    faults.put = (key) => (text(key) === 'too much' ? MDB_MAP_FULL : undefined);
    const outcomes = await Promise.allSettled([
      engine.write(putting('first')),
      engine.write(putting('partial', 'too much', 'rest')),
      engine.write(putting('last')),
    ]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(outcomes[1]).toMatchObject({ reason: { name: 'EngineError', code: 'Full' } });
    expect(await contents()).toEqual({ first: 'v', last: 'v' });
    expect(transactionsCount).toBe(4);
    expect(fatal).toEqual([]);
  });

  it('sees nothing of an operation that ran before it in a batch that failed', async () => {
    faults.put = (key) => (text(key) === 'too much' ? MDB_MAP_FULL : undefined);
    const doomed = engine.write(putting('trace', 'too much'));
    const looker = engine.write(function* (tx) {
      const seen = yield* tx.get(bytes('trace'));
      tx.put(bytes('looked'), bytes(seen === undefined ? 'clean' : 'dirty'));
      return seen;
    });
    await expect(doomed).rejects.toMatchObject({ code: 'Full' });
    expect(await looker).toBeUndefined();
    expect(await contents()).toEqual({ looked: 'clean' });
  });

  it('fails when writes must go through before a range, even if the operation goes on', async () => {
    faults.put = (key) => (text(key) === 'too much' ? MDB_MAP_FULL : undefined);
    const outcomes = await Promise.allSettled([
      engine.write(putting('partial', 'too much')),
      engine.write(function* (tx) {
        try {
          yield* tx.range({ start: bytes('a'), end: bytes('z'), limit: 10 });
        } catch {
          tx.put(bytes('went on'), bytes('v'));
        }
        return true;
      }),
    ]);
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'fulfilled']);
    expect(await contents()).toEqual({});
  });
});

describe('a failed device', () => {
  it('ends the engine: everything queued is refused, and so is all that follows', async () => {
    faults.commit = () => EIO;
    const writes = [putting('a'), putting('b')].map((op) => engine.write(op));
    for (const write of writes) await expect(write).rejects.toMatchObject({ code: 'Failed' });
    await expect(engine.write(putting('c'))).rejects.toMatchObject({ code: 'Failed' });
    await expect(contents()).rejects.toMatchObject({ code: 'Failed' });
    expect(fatal.map(({ code }) => code)).toEqual(['Failed']);
    await engine.close();
    await expect(contents()).rejects.toMatchObject({ code: 'Failed' });
  });

  it('is noticed by a read, even one whose operation hides it', async () => {
    await engine.write(putting('a'));
    faults.get = () => EIO;
    const hiding = engine.read(function* (tx) {
      try {
        return yield* tx.get(bytes('a'));
      } catch {
        return undefined;
      }
    });
    await expect(hiding).rejects.toMatchObject({ code: 'Failed' });
    expect(fatal.length).toBe(1);
  });

  it('leaves no snapshot behind for the reads that come while it is looked into', async () => {
    await engine.write(putting('a'));
    faults.get = (key) => (text(key) === 'a' ? MDB_READERS_FULL : undefined);
    const failing = engine.read(function* (tx) {
      yield* tx.get(bytes('b'));
      return yield* tx.get(bytes('a'));
    });
    expect(snapshotsHeld()).toBe(0);
    await expect(failing).rejects.toMatchObject({ code: 'Contention' });
  });

  it('is noticed by a read within a write, which then writes nothing', async () => {
    faults.get = () => EIO;
    const hiding = engine.write(function* (tx) {
      try {
        yield* tx.get(bytes('a'));
      } catch {
        tx.put(bytes('b'), bytes('v'));
      }
      return true;
    });
    await expect(hiding).rejects.toMatchObject({ code: 'Failed' });
    faults.get = () => undefined;
    database.resetReadTxn();
    expect(database.get(bytes('b'))).toBeUndefined();
  });
});

it('holds a snapshot only while an operation reads, so that old pages can be used again', async () => {
  await engine.write(putting('a'));
  const held = await engine.read(function* (tx) {
    yield* tx.get(bytes('a'));
    return snapshotsHeld();
  });
  expect(held).toBe(1);
  expect(snapshotsHeld()).toBe(0);
  await engine.read((tx) => tx.range({ start: bytes('a'), end: bytes('z'), limit: 1 }));
  expect(snapshotsHeld()).toBe(0);
  const thrown = engine.read(function* (tx) {
    throw new Error(text((yield* tx.get(bytes('a'))) ?? bytes('absent')));
  });
  expect(snapshotsHeld()).toBe(0);
  await expect(thrown).rejects.toThrow('v');
});

it('reads what it wrote a moment before, in whatever turn', async () => {
  for (let n = 1; n <= 100; n++) {
    const read = () => engine.read((tx) => tx.get(bytes('n')));
    const before = read();
    await engine.write(function* (tx) {
      tx.put(bytes('n'), bytes(String(n)));
      return yield* tx.get(bytes('n'));
    });
    expect(text((await read()) ?? bytes(''))).toBe(String(n));
    expect(text((await before) ?? bytes('0'))).toBe(String(n - 1));
  }
});

it('refuses a read through the engine from inside an operation', async () => {
  const outcomes: Promise<unknown>[] = [];
  await engine.write(function* (tx) {
    outcomes.push(expect(engine.read((own) => own.get(bytes('a')))).rejects.toThrow('its own transaction'));
    return yield* tx.get(bytes('a'));
  });
  expect(outcomes.length).toBe(1);
  await Promise.all(outcomes);
});

it('refuses a value that is no bytes without harm to the batch', async () => {
  const nothing: unknown = undefined;
  const outcomes = await Promise.allSettled([
    engine.write(putting('a')),
    engine.write(function* (tx) {
      tx.put(bytes('b'), nothing as Bytes);
      return yield* tx.get(bytes('b'));
    }),
  ]);
  expect(outcomes).toMatchObject([
    { status: 'fulfilled' },
    { status: 'rejected', reason: expect.any(TypeError) },
  ]);
  expect(await contents()).toEqual({ a: 'v' });
});

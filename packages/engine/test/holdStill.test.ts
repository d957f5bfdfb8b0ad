/** LMDB's file is opened by other processes while one writes it. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type LmdbEngine, LmdbReplica } from '../src/index.ts';
import { openJournaled } from './journalRig.ts';

const OPENER = fileURLToPath(new URL('processes/opensAgainAndAgain.ts', import.meta.url));
/** Where LMDB's lock file has the number of the newest transaction: `MDB_txbody` in mdb.c. */
const NEWEST_AT = 8;

let path: string;
beforeEach(async () => {
  path = await mkdtemp(join(tmpdir(), 'facet-hold-'));
});
afterEach(() => rm(path, { recursive: true, force: true }));

async function put(engine: LmdbEngine, key: string, value: number): Promise<void> {
  await engine.write(function* (tx) {
    tx.put(Buffer.from(key), Buffer.from(String(value)));
    return yield* tx.get(Buffer.from(key));
  });
}

async function numberOf(engine: LmdbEngine, key: string): Promise<number> {
  const value = await engine.read((tx) => tx.get(Buffer.from(key)));
  return Number(value?.toString() ?? 0);
}

it('writes wait until all who asked for it have what they wanted, and reads do not', async () => {
  const engine = await openJournaled({ path });
  await put(engine, 'a', 1);
  const goOn = [await engine.holdStill(), await engine.holdStill()];
  const replica = new LmdbReplica({ path });
  replica.open();
  let written = false;
  const writing = put(engine, 'a', 2).then(() => {
    written = true;
  });
  for (const release of goOn) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect([written, await numberOf(engine, 'a')]).toEqual([false, 1]);
    expect(replica.readAtOnce((tx) => tx.get(Buffer.from('a')))?.toString()).toBe('1');
    release();
  }
  await writing;
  await engine.settle();
  expect(replica.readAtOnce((tx) => tx.get(Buffer.from('a')))?.toString()).toBe('2');
  await replica.close();
  await engine.close();
});

it('a store that is closed holds for nobody', async () => {
  const engine = await openJournaled({ path });
  await engine.close();
  await expect(engine.holdStill()).rejects.toMatchObject({ code: 'Closed' });
});

const KEYS = ['a', 'b', 'c', 'd'];
const OPENINGS = 300;

it('another process opens it again and again, and nothing is lost, nor read late', async () => {
  const engine = await openJournaled({ path });
  const acknowledged = new Map(KEYS.map((key) => [key, 0]));
  const wrong: unknown[] = [];
  let ended = false;
  const writing = KEYS.map(async (key) => {
    for (let value = 1; !ended; value += 1) {
      await put(engine, key, value);
      acknowledged.set(key, value);
      const read = await numberOf(engine, key);
      if (read !== value) wrong.push({ key, value, read });
      // As if readers asked all the time.
      if (value % 4 === 0) await engine.settle();
    }
  });
  const opener = fork(OPENER, [path]);
  await once(opener, 'message');
  for (let opening = 0; opening < OPENINGS; opening += 1) {
    const key = KEYS[opening % KEYS.length] ?? 'a';
    const goOn = await engine.holdStill();
    const least = acknowledged.get(key) ?? 0;
    opener.send(key);
    await once(opener, 'message');
    const told = once(opener, 'message');
    goOn();
    const [read] = await told;
    if (read < least) wrong.push({ key, least, read });
  }
  ended = true;
  await Promise.all(writing);
  opener.kill();
  expect(wrong).toEqual([]);
  await engine.close();
});

it('a transaction that LMDB begins a second time is not written: the journal has what the first one held', async () => {
  let fatal: unknown;
  const engine = await openJournaled({
    path,
    onFatal: (error) => {
      fatal = error;
    },
  });
  await put(engine, 'a', 1);
  await engine.settle();
  const lockFile = await open(join(path, 'lock.mdb'), 'r+');
  const before = (await lockFile.read(Buffer.alloc(8), 0, 8, NEWEST_AT)).buffer;
  await put(engine, 'a', 2);
  await engine.settle();
  const after = (await lockFile.read(Buffer.alloc(8), 0, 8, NEWEST_AT)).buffer;
  expect(after.readBigUInt64LE()).toBe(before.readBigUInt64LE() + 1n);
  await lockFile.write(before, 0, 8, NEWEST_AT);
  await expect(put(engine, 'b', 1)).rejects.toMatchObject({ code: 'Failed' });
  expect(fatal).toMatchObject({ code: 'Failed', message: expect.stringContaining('already') });
  await lockFile.close();
  await rm(join(path, 'lock.mdb'));
  const again = await openJournaled({ path });
  expect([await numberOf(again, 'a'), await numberOf(again, 'b')]).toEqual([2, 0]);
  await again.close();
});

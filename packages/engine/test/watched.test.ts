import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Engine, MemoryEngine, type OwnWrite, openLmdbEngine, WatchedEngine } from '../src/index.ts';
import { engineSuite } from './engineSuite.ts';
import { openJournaled } from './journalRig.ts';
import { bytes, everything, increment, nextTurn, randomFrom, readRange } from './shorthand.ts';

let folder = '';
let opened = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-watched-'));
});
afterAll(() => rm(folder, { recursive: true }));

const path = (): string => join(folder, String(opened++));

/** Commits overtake one another, and are tried again. */
function memory(): MemoryEngine {
  const random = randomFrom(7);
  const pause = async (): Promise<void> => {
    for (let left = Math.floor(random() * 8); left > 0; left--) await undefined;
  };
  return new MemoryEngine({
    onYield: pause,
    beforeCommit: pause,
    injectConflict: () => random() < 0.2,
  });
}

const engines: readonly (readonly [string, () => Promise<Engine>])[] = [
  ['memory', async () => memory()],
  ['lmdb', () => openLmdbEngine({ path: path() })],
  ['journaled lmdb', () => openJournaled({ path: path() })],
];

engineSuite('watched', async () => {
  const engine = new WatchedEngine(new MemoryEngine());
  await engine.watch(() => undefined);
  return engine;
});

type State = Map<string, string>;

async function stateOf(engine: Engine): Promise<State> {
  return new Map((await readRange(engine, everything)).map(({ key, value }) => [`${key}`, `${value}`]));
}

function apply(state: State, writes: readonly OwnWrite[]): void {
  for (const { key, value } of writes) {
    if (value === undefined) state.delete(`${key}`);
    else state.set(`${key}`, `${value}`);
  }
}

describe.each(engines)('%s, watched', (_, open) => {
  it('tells of everything that is not in what is read once it is watched, in order', async () => {
    const engine = new WatchedEngine(await open());
    const random = randomFrom(3);
    let going = true;
    const writer = async (): Promise<void> => {
      while (going) {
        const [one, other] = [0, 1].map(() => bytes(`k${Math.floor(random() * 12)}`));
        if (!one || !other) throw new Error('two keys are there');
        await engine.write(function* (tx) {
          const next = yield* increment(tx, one);
          if (next % 3 === 0) tx.delete(other);
          else tx.put(other, bytes(`${next}`));
          return next;
        });
        if (random() < 0.1) await nextTurn();
      }
    };
    const writers = Array.from({ length: 8 }, writer);
    for (let turn = 0; turn < 20; turn++) await nextTurn();

    for (let round = 0; round < 5; round++) {
      const log: (readonly OwnWrite[])[] = [];
      await engine.watch((writes) => log.push(writes));
      const copy = await stateOf(engine);
      for (let turn = 0; turn < 20; turn++) await nextTurn();
      // What is told before the mark is what the mark's state has.
      const marked = engine.write(function* (tx) {
        const entries = yield* tx.range(everything);
        tx.put(bytes('mark'), bytes(`${round}`));
        return entries;
      });
      const entries = await marked;
      const ended = new Map(entries.map(({ key, value }) => [`${key}`, `${value}`]));
      const at = log.findIndex((writes) => writes.some(({ key }) => `${key}` === 'mark'));
      expect(at).toBeGreaterThan(0);
      for (const writes of log.slice(0, at)) apply(copy, writes);
      expect(copy).toEqual(ended);
      engine.unwatch();
    }
    going = false;
    await Promise.all(writers);
    await engine.close();
  });

  it('waits for writes that began before it was watched', async () => {
    const engine = new WatchedEngine(await open());
    const told: string[] = [];
    const before = Array.from({ length: 5 }, (_unused, at) =>
      engine.write(function* (tx) {
        tx.put(bytes(`before${at}`), bytes('v'));
        return yield* tx.get(bytes('x'));
      }),
    );
    await engine.watch((writes) => told.push(...writes.map(({ key }) => `${key}`)));
    expect((await stateOf(engine)).size).toBe(5);
    await Promise.all(before);
    await engine.write(function* (tx) {
      tx.put(bytes('after'), bytes('v'));
      return yield* tx.get(bytes('x'));
    });
    expect(told).toEqual(['after']);
    await expect(engine.watch(() => undefined)).rejects.toThrow('watched already');
    await engine.close();
  });
});

import { describe, expect, it } from 'vitest';
import { type Bytes, MemoryEngine, type MemoryEngineOptions, type Op, type WriteTx } from '../src/index.ts';
import { engineSuite } from './engineSuite.ts';

engineSuite('memory', async () => new MemoryEngine());
for (const seed of [1, 2, 3]) {
  engineSuite(`memory, interleaved by seed ${seed}`, async () => {
    const pause = pauses(seed);
    return new MemoryEngine({ onYield: pause, beforeCommit: pause, afterCommit: pause });
  });
}

/** Makes each caller wait for a number of microtasks that only the seed decides. */
function pauses(seed: number): () => Promise<void> {
  const next = numbers(seed);
  return async () => {
    for (let left = next() % 8; left > 0; left--) await undefined;
  };
}

function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 8;
  };
}

const bytes = (text: string): Bytes => Buffer.from(text);

/** A hook that tells it was reached, and never returns. */
function crashAt(reached: { resolve(): void }): () => Promise<void> {
  return () => {
    reached.resolve();
    return new Promise(() => {});
  };
}

const get = (engine: MemoryEngine, key: string) =>
  engine.read((tx) => tx.get(bytes(key))).then((value) => value && `${value}`);

function* put(tx: WriteTx, key: string): Op<boolean> {
  const there = (yield* tx.get(bytes(key))) !== undefined;
  tx.put(bytes(key), bytes('v'));
  return !there;
}

/** Counts up, and notes each attempt. */
function counting(attempts: number[]) {
  return function* (tx: WriteTx): Op<number> {
    const count = Number((yield* tx.get(bytes('count'))) ?? 0);
    attempts.push(count);
    tx.put(bytes('count'), bytes(String(count + 1)));
    return count;
  };
}

describe('the hooks of the memory engine', () => {
  it('crash before a commit: nothing of it is left', async () => {
    const reached = Promise.withResolvers<void>();
    const engine = new MemoryEngine({ beforeCommit: crashAt(reached) });
    void engine.write((tx) => put(tx, 'k'));
    await reached.promise;
    expect(await get(new MemoryEngine({ state: engine.snapshot() }), 'k')).toBeUndefined();
  });

  it('crash after a commit: it is there, though nobody was told', async () => {
    const reached = Promise.withResolvers<void>();
    const engine = new MemoryEngine({ afterCommit: crashAt(reached) });
    let told = false;
    void engine.write((tx) => put(tx, 'k')).then(() => (told = true));
    await reached.promise;
    const restarted = new MemoryEngine({ state: engine.snapshot() });
    expect(await get(restarted, 'k')).toBe('v');
    expect(told).toBe(false);
  });

  it('leave a snapshot alone when its engine goes on', async () => {
    const engine = new MemoryEngine();
    await engine.write((tx) => put(tx, 'a'));
    const state = engine.snapshot();
    await engine.write((tx) => put(tx, 'b'));
    const restarted = new MemoryEngine({ state });
    await restarted.write((tx) => put(tx, 'c'));
    expect([await get(restarted, 'a'), await get(restarted, 'b'), await get(engine, 'c')]).toEqual([
      'v',
      undefined,
      undefined,
    ]);
  });

  it('fail an operation with what they throw', async () => {
    const failure = new Error('planted');
    const engine = new MemoryEngine({ beforeCommit: () => Promise.reject(failure) });
    await expect(engine.write((tx) => put(tx, 'k'))).rejects.toBe(failure);
    expect(await get(engine, 'k')).toBeUndefined();
  });

  it('inject conflicts, after which an operation starts again from its factory and is applied once', async () => {
    const conflicts = [true, true, false];
    const engine = new MemoryEngine({ injectConflict: () => conflicts.shift() ?? false });
    const attempts: number[] = [];
    expect(await engine.write(counting(attempts))).toBe(0);
    expect(attempts).toEqual([0, 0, 0]);
    expect(await get(engine, 'count')).toBe('1');
  });

  it('give up with Contention when conflicts do not end, and nothing is written', async () => {
    const engine = new MemoryEngine({ injectConflict: () => true, attemptsMax: 5 });
    const attempts: number[] = [];
    await expect(engine.write(counting(attempts))).rejects.toMatchObject({ code: 'Contention' });
    expect(attempts.length).toBe(5);
    expect(await get(engine, 'count')).toBeUndefined();
  });

  it('let a write overtake at a yield: the overtaken one sees it when it starts again', async () => {
    const gate = Promise.withResolvers<void>();
    let held = true;
    const engine: MemoryEngine = new MemoryEngine({
      onYield: () => (held ? gate.promise : undefined),
    });
    const attempts: number[] = [];
    const slow = engine.write(counting(attempts));
    held = false;
    await engine.write(counting([]));
    gate.resolve();
    expect(await slow).toBe(1);
    expect(attempts).toEqual([0, 1]);
  });

  it('keep a read on its snapshot while writes overtake it', async () => {
    const gate = Promise.withResolvers<void>();
    const engine = new MemoryEngine({
      onYield: (request) => (request.kind === 'get' ? gate.promise : undefined),
    });
    const reading = engine.read(function* (tx) {
      const one = yield* tx.get(bytes('a'));
      const other = yield* tx.get(bytes('b'));
      return [one, other];
    });
    await engine.write(function* (tx) {
      tx.put(bytes('a'), bytes('v'));
      tx.put(bytes('b'), bytes('v'));
      return yield* tx.getMany([]);
    });
    gate.resolve();
    expect(await reading).toEqual([undefined, undefined]);
  });

  it('give the same history for the same seed, and another one for another', async () => {
    const [one, same, other] = [await history(7), await history(7), await history(8)];
    expect(same).toEqual(one);
    expect(other).not.toEqual(one);
  });
});

/** The order in which attempts of 30 operations on 3 keys read and committed. */
async function history(seed: number): Promise<string[]> {
  const events: string[] = [];
  const [pause, next] = [pauses(seed), numbers(seed)];
  const options: MemoryEngineOptions = {
    onYield: (request) => {
      events.push(request.kind);
      return pause();
    },
    afterCommit: pause,
    injectConflict: () => next() % 4 === 0,
  };
  const engine = new MemoryEngine(options);
  await Promise.all(
    Array.from({ length: 30 }, async (_, at) => {
      const first = await engine.write((tx) => put(tx, `key ${at % 3}`));
      events.push(`${at} ${first}`);
    }),
  );
  return events;
}

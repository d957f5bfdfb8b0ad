import { beforeEach, describe, expect, it } from 'vitest';
import { type Bytes, type Engine, type Op, prefixEnd, type WriteTx } from '../src/index.ts';
import {
  bytes,
  everything,
  get,
  increment,
  keyStrings,
  nextTurn,
  readRange,
  sum,
  write,
} from './shorthand.ts';

/** Operations at once give what some order of them, one after another, would give. */
export function serialisableSuite(current: () => Engine): void {
  let engine: Engine;
  beforeEach(() => {
    engine = current();
  });

  describe('strictly serialisable', () => {
    it('loses no increment of 200 at once', async () => {
      await Promise.all(
        Array.from({ length: 200 }, () => engine.write((tx) => increment(tx, bytes('count')))),
      );
      expect(await get(engine, bytes('count'))).toEqual(bytes('200'));
    });

    it('acknowledges only what every later read sees, and reads never go back', async () => {
      let acknowledged = 0;
      const writer = async () => {
        for (let round = 0; round < 50; round++) {
          const value = await engine.write((tx) => increment(tx, bytes('count')));
          acknowledged = Math.max(acknowledged, value);
        }
      };
      let writing = true;
      const reader = async () => {
        let last = 0;
        while (writing) {
          const floor = Math.max(acknowledged, last);
          last = Number((await get(engine, bytes('count'))) ?? 0);
          expect(last).toBeGreaterThanOrEqual(floor);
          await nextTurn();
        }
      };
      const readers = [reader(), reader()];
      await Promise.all([writer(), writer(), writer()]);
      writing = false;
      await Promise.all(readers);
    });

    it('lets a read see one state while writers move value between keys', async () => {
      const accounts = Array.from({ length: 8 }, (_, at) => bytes(`account ${at}`));
      await write(
        engine,
        accounts.map((key) => [key, bytes('100')]),
      );
      let writing = true;
      const reader = async () => {
        while (writing) {
          const sums = await engine.read(function* (tx) {
            const one: number[] = [];
            for (const key of accounts) one.push(Number((yield* tx.get(key)) ?? 0));
            const all = yield* tx.range(everything);
            return [sum(one), sum(all.map(({ value }) => Number(value)))];
          });
          expect(sums).toEqual([800, 800]);
          await nextTurn();
        }
      };
      const readers = [reader(), reader()];
      const mover = async (seed: number) => {
        for (let round = 0; round < 30; round++) {
          const from = accounts[(seed + round) % 8] ?? bytes('');
          const to = accounts[(seed * 3 + round * 5 + 1) % 8] ?? bytes('');
          await engine.write((tx) => move(tx, from, to, 7));
        }
      };
      await Promise.all([mover(1), mover(2), mover(3)]);
      writing = false;
      await Promise.all(readers);
    });

    // In each pair both operations read that the way is free, and each write makes the other's read untrue.
    it.each<
      [string, (tx: WriteTx) => Op<boolean>, (tx: WriteTx) => Op<boolean>, (keys: string[]) => boolean]
    >([
      [
        'PUT dir/y against the prune of dir',
        (tx) => putInto(tx, 'dir', 'y'),
        (tx) => prune(tx, 'dir'),
        (keys) => !keys.includes('dir/y') || keys.includes('dir'),
      ],
      [
        'create a against mkdir a',
        (tx) => createUnlessThere(tx, 'a', 'a/'),
        (tx) => createUnlessThere(tx, 'a/', 'a'),
        (keys) => keys.includes('a') !== keys.includes('a/'),
      ],
      [
        'rmdir against create',
        (tx) => prune(tx, 'dir'),
        (tx) => putIfDirectory(tx, 'dir', 'z'),
        (keys) => !keys.includes('dir/z') || keys.includes('dir'),
      ],
    ])('%s never both', async (_, one, other, holds) => {
      for (let round = 0; round < 20; round++) {
        await engine.write(function* (tx) {
          for (const { key } of yield* tx.range(everything)) tx.delete(key);
          tx.put(bytes('dir'), bytes('implicit'));
          return true;
        });
        const pair = round % 2 === 0 ? [one, other] : [other, one];
        await Promise.all(pair.map((op) => engine.write(op)));
        const keys = keyStrings(await readRange(engine, everything));
        expect(holds(keys), `round ${round}: ${keys}`).toBe(true);
      }
    });
  });
}

function* move(tx: WriteTx, from: Bytes, to: Bytes, amount: number): Op<boolean> {
  tx.put(from, bytes(String(Number((yield* tx.get(from)) ?? 0) - amount)));
  tx.put(to, bytes(String(Number((yield* tx.get(to)) ?? 0) + amount)));
  return true;
}

function* createUnlessThere(tx: WriteTx, name: string, other: string): Op<boolean> {
  if ((yield* tx.get(bytes(other))) !== undefined) return false;
  tx.put(bytes(name), bytes('v'));
  return true;
}

function* putInto(tx: WriteTx, dir: string, name: string): Op<boolean> {
  if ((yield* tx.get(bytes(dir))) === undefined) tx.put(bytes(dir), bytes('implicit'));
  tx.put(bytes(`${dir}/${name}`), bytes('v'));
  return true;
}

function* putIfDirectory(tx: WriteTx, dir: string, name: string): Op<boolean> {
  if ((yield* tx.get(bytes(dir))) === undefined) return false;
  tx.put(bytes(`${dir}/${name}`), bytes('v'));
  return true;
}

function* prune(tx: WriteTx, dir: string): Op<boolean> {
  const prefix = bytes(`${dir}/`);
  const children = yield* tx.range({ start: prefix, end: prefixEnd(prefix), limit: 1 });
  if (children.length > 0) return false;
  tx.delete(bytes(dir));
  return true;
}

import {
  type Bytes,
  type Engine,
  type Entry,
  KEY_BYTES_MAX,
  type KeyRange,
  type Op,
  type WriteTx,
} from '../src/index.ts';
import { ColdReads } from '../src/lmdb/coldReads.ts';

export const everything: KeyRange = {
  start: Buffer.from([0]),
  end: Buffer.alloc(KEY_BYTES_MAX + 1, 0xff),
  limit: 1_000_000,
};

export const bytes = (text: string): Bytes => Buffer.from(text);
export const hex = (text: string): Bytes => Buffer.from(text, 'hex');
export const keysOf = (entries: readonly Entry[]) =>
  entries.map(({ key }) => Buffer.from(key).toString('hex'));
export const keyStrings = (entries: readonly Entry[]) =>
  entries.map(({ key }) => Buffer.from(key).toString());
export const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);
/** Uniform numbers from 0 to 1: MINSTD, by Park and Miller. */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48_271) % 2_147_483_647;
    return state / 2_147_483_647;
  };
}
export const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

export const get = (engine: Engine, key: Bytes) => engine.read((tx) => tx.get(key));
export const readRange = (engine: Engine, range: KeyRange) => engine.read((tx) => tx.range(range));

export async function write(engine: Engine, entries: readonly (readonly [Bytes, Bytes])[]): Promise<void> {
  await engine.write(function* (tx) {
    for (const [key, value] of entries) tx.put(key, value);
    return yield* tx.getMany([]);
  });
}

export function* increment(tx: WriteTx, key: Bytes): Op<number> {
  const next = Number((yield* tx.get(key)) ?? 0) + 1;
  tx.put(key, bytes(String(next)));
  return next;
}

/** Has every operation warmed up. */
export function alwaysCold(): ColdReads {
  let faults = 0;
  return new ColdReads({ faults: () => (faults += 1_000_000), isCold: true });
}

/** Records of many inodes are those that a look-up of each finds, in whatever order and however close they are. */

import type { Bytes, Entry, KeyRange, Op, ReadTx } from '@facet/engine';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { inodeId, layerId } from '../../src/ids.ts';
import { inodeKey, inodeOfKey } from '../../src/meta/keys.ts';
import { readInodeRecords } from '../../src/tree/inodeRecords.ts';

const layer = layerId(3);
const DAMAGED = 'damaged';

/** Inodes by id, some of which cannot be read, and how they were asked for. */
class Stored implements ReadTx {
  looked = 0;
  readonly #records: ReadonlyMap<number, Buffer | typeof DAMAGED>;
  constructor(records: ReadonlyMap<number, Buffer | typeof DAMAGED>) {
    this.#records = records;
  }

  // biome-ignore lint/correctness/useYield: answers at once
  *get(key: Bytes): Op<Bytes | undefined> {
    this.looked += 1;
    const record = this.#records.get(inodeOfKey(key));
    if (record === DAMAGED) throw new Error(DAMAGED);
    return record;
  }

  *getMany(keys: readonly Bytes[]): Op<readonly (Bytes | undefined)[]> {
    const found: (Bytes | undefined)[] = [];
    for (const key of keys) found.push(yield* this.get(key));
    return found;
  }

  *range({ start, end, limit, onDamaged }: KeyRange): Op<readonly Entry[]> {
    const entries: Entry[] = [];
    for (const [id, record] of [...this.#records].sort(([one], [other]) => one - other)) {
      const key = inodeKey(layer, inodeId(id));
      if (Buffer.compare(key, start) < 0 || Buffer.compare(key, end) >= 0 || entries.length === limit)
        continue;
      if (record !== DAMAGED) entries.push({ key, value: record });
      else if (onDamaged) onDamaged(key);
      else throw new Error(DAMAGED);
    }
    return entries;
  }
}

function read(stored: Stored, ids: readonly number[]): readonly (Bytes | undefined)[] {
  const step = readInodeRecords({ tx: stored, layer }, ids.map(inodeId)).next();
  if (step.done !== true) throw new Error('it answers at once');
  return step.value;
}

const recordOf = (id: number) => Buffer.from(`record of ${id}`);
const dense = (count: number) => Array.from({ length: count }, (_, at) => at + 1);

it('are those of the ids asked for, in their order', () => {
  const ids = fc.oneof(
    fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 80 }),
    fc.array(fc.integer({ min: 1, max: 10_000 }), { maxLength: 40 }),
  );
  fc.assert(
    fc.property(ids, fc.uniqueArray(fc.integer({ min: 1, max: 60 })), (asked, absent) => {
      const gone = new Set(absent);
      const all = [...asked, ...dense(60)].filter((id) => !gone.has(id));
      const stored = new Stored(new Map(all.map((id) => [id, recordOf(id)])));
      expect(read(stored, asked)).toEqual(asked.map((id) => (gone.has(id) ? undefined : recordOf(id))));
    }),
  );
});

it('are read as a range where they lie together, also out of order', () => {
  const stored = new Stored(new Map(dense(200).map((id) => [id, recordOf(id)])));
  expect(read(stored, dense(100).reverse())).toEqual(dense(100).reverse().map(recordOf));
  expect(stored.looked).toBe(0);
});

it('are not hindered by one between them that is damaged, and fail for one of them', () => {
  const records = new Map<number, Buffer | typeof DAMAGED>(dense(50).map((id) => [id, recordOf(id)]));
  records.set(20, DAMAGED);
  const others = dense(50).filter((id) => id !== 20);
  expect(read(new Stored(records), others)).toEqual(others.map(recordOf));
  expect(() => read(new Stored(records), dense(50))).toThrow(DAMAGED);
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { KEY_BYTES_MAX } from '../src/contract.ts';
import { bytesAtMost, commitNeeds } from '../src/lmdb/commitNeeds.ts';
import { openDatabase } from '../src/lmdb/database.ts';
import { PAGE_BYTES } from '../src/lmdb/dataFile.ts';
import { LmdbStore } from '../src/lmdb/store.ts';
import type { OwnWrite } from '../src/mergeRange.ts';
import { randomFrom } from './shorthand.ts';

const ENTRIES = 12_000;

async function openStore(): Promise<{ readonly db: LmdbStore; readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'facet-needs-'));
  return { db: new LmdbStore(openDatabase({ path, mapSizeBytes: 2 ** 30, noSync: true })), path };
}

let folder: string;
let store: LmdbStore;

beforeEach(async () => {
  ({ db: store, path: folder } = await openStore());
});
afterEach(async () => {
  await store.close();
  await rm(folder, { recursive: true });
});

/** Commits them and gives the bytes LMDB wrote, and what was said before that they would be at most. */
function commit(
  store: LmdbStore,
  writes: readonly OwnWrite[],
): { readonly written: number; readonly atMost: number } {
  const before = store.pageUsage();
  const atMost = bytesAtMost(commitNeeds(writes), before.tree);
  store.transactAtOnce(() => store.apply(writes));
  return { written: (store.pageUsage().writtenPages - before.writtenPages) * PAGE_BYTES, atMost };
}

it.for([
  { keyBytes: 20, order: 'ascending' },
  { keyBytes: 20, order: 'random' },
  { keyBytes: 300, order: 'random' },
  { keyBytes: KEY_BYTES_MAX, order: 'ascending' },
  { keyBytes: KEY_BYTES_MAX, order: 'random' },
] as const)(
  'no commit takes more than its bound: keys of $keyBytes bytes, built in $order order',
  (shape) => {
    const { keyBytes, order } = shape;
    const random = randomFrom(keyBytes);
    const below = (count: number) => Math.floor(random() * count);
    const keyOf = (place: number): Buffer => {
      const name = place.toFixed(6).padStart(14, '0');
      return Buffer.from(`${name}${'k'.repeat(keyBytes - name.length)}`);
    };
    const places = Array.from({ length: ENTRIES }, (_, at) => (order === 'random' ? random() * ENTRIES : at));
    for (let at = 0; at < ENTRIES; at += 500) {
      const { written, atMost } = commit(
        store,
        places.slice(at, at + 500).map((place) => ({ key: keyOf(place), value: Buffer.alloc(19) })),
      );
      expect(written).toBeLessThanOrEqual(atMost);
    }
    let loosest = 0;
    for (let step = 0; step < 150; step += 1) {
      const count = [1, 6, 40, 300, 400][step % 5] ?? 0;
      const kind = ['put', 'remove', 'both'][below(3)];
      const first = below(2) === 0 ? below(places.length) : undefined;
      const writes = new Map<number, Uint8Array | undefined>();
      for (let at = 0; at < count; at += 1) {
        const place = places[(first === undefined ? below(places.length) : first + at) % places.length] ?? 0;
        if (kind === 'remove' || (kind === 'both' && at % 2 === 0)) writes.set(place, undefined);
        else writes.set(below(2) === 0 ? place : place + random(), Buffer.alloc(below(60)));
      }
      const { written, atMost } = commit(
        store,
        Array.from(writes, ([place, value]) => ({ key: keyOf(place), value })).sort((a, b) =>
          Buffer.compare(a.key, b.key),
        ),
      );
      expect(written).toBeLessThanOrEqual(atMost);
      if (kind === 'put' && first === undefined) loosest = Math.max(loosest, atMost / written);
    }
    // Of what lies apart; neighbours share their pages, which nobody knows before.
    expect(loosest).toBeLessThan(8);
  },
);

it.for([1000, 1500, KEY_BYTES_MAX])(
  'nor does one that makes the whole tree: keys of %d bytes',
  async (keyBytes) => {
    for (const count of [2, 40, 390, 1500]) {
      for (const valueBytes of [19, 800, 1300, 4000, 9000]) {
        for (const descending of [false, true]) {
          const { db, path } = await openStore();
          const keys = Array.from({ length: count }, (_, at) => `${10_000 + at}`.padEnd(keyBytes, 'k'));
          const ordered = descending ? keys.toReversed() : keys;
          const writes = ordered.map((key) => ({ key: Buffer.from(key), value: Buffer.alloc(valueBytes) }));
          const { written, atMost } = commit(db, writes);
          expect(written, `${count} of ${valueBytes} bytes`).toBeLessThanOrEqual(atMost);
          await db.close();
          await rm(path, { recursive: true });
        }
      }
    }
  },
);

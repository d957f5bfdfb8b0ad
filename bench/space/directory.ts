/** What one directory's operations cost when it is large, beside one that is small. */

import { Buffer } from 'node:buffer';
import { each } from './objects.ts';
import type { BenchStore } from './store.ts';

const CALLER = { uid: 0, gid: 0, groups: [] };
const SMALL = 1000;
const ROUNDS = 300;
const PAGE = 1000;

export interface Costs {
  readonly entries: number;
  /** Medians, in microseconds. */
  readonly insert: number;
  readonly lookup: number;
  readonly list: number;
  readonly remove: number;
}

export async function measureDirectories(store: BenchStore, large: number): Promise<readonly Costs[]> {
  const directories = [await fill(store, 'few', SMALL), await fill(store, 'many', large)];
  const costs = directories.map(({ entries }) => ({
    entries,
    insert: [] as number[],
    lookup: [] as number[],
    list: [] as number[],
    remove: [] as number[],
  }));
  // In turns, so that a neighbour's noise falls on both.
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [at, { parent, entries }] of directories.entries()) {
      const into = costs[at];
      if (!into) continue;
      const name = Buffer.from(`new-${round}`);
      const { files, objects } = store.core;
      const how = { kind: 'guarded', attributes: {} } as const;
      into.insert.push(await timed(() => files.create({ caller: CALLER, parent, name, how })));
      const known = Buffer.from(nameOf((round * 7919) % entries));
      into.lookup.push(
        await timed(() => files.lookup({ caller: CALLER, parent, name: known, directory: false })),
      );
      const prefix = Buffer.from(`${at === 0 ? 'few' : 'many'}/`);
      const after = at === 0 ? prefix : Buffer.concat([prefix, known]);
      const page = { volume: store.volume, prefix, delimiter: Buffer.from('/'), after, limit: PAGE };
      // Every tenth: a page is a thousand look-ups' work.
      if (round % 10 === 0) into.list.push(await timed(() => objects.list(page)));
      into.remove.push(await timed(() => files.remove({ caller: CALLER, parent, name, directory: false })));
    }
  }
  return costs.map(({ entries, insert, lookup, list, remove }) => ({
    entries,
    insert: median(insert),
    lookup: median(lookup),
    list: median(list),
    remove: median(remove),
  }));
}

/** In no order. */
const nameOf = (i: number): string => `${Math.imul(i, 0x9e3779b1) >>> 0}-${i}`;

async function fill({ core, volume }: BenchStore, directory: string, entries: number) {
  const name = Buffer.from(directory);
  const root = await core.files.root({ volume });
  const made = await core.files.mkdir({ caller: CALLER, parent: root, name, attributes: {} });
  const parent = made.file;
  const how = { kind: 'guarded', attributes: {} } as const;
  await each(entries, (i) =>
    core.files.create({ caller: CALLER, parent, name: Buffer.from(nameOf(i)), how }),
  );
  return { parent, entries };
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) * 1000;
}

function median(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
}

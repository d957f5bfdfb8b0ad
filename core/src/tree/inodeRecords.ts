/** The records of many inodes, for listings. */

import type { Bytes, Op } from '@facet/engine';
import type { InodeId } from '../ids.ts';
import { inodeKey, inodeOfKey, successor } from '../meta/keys.ts';
import type { View } from './scope.ts';

/** Files that were made one after another have ids one after another: so many are quicker read as a range. */
const RUN_MIN = 16;
/** A record that nobody asked for takes half as long as to look one up. */
const GAP_MAX = 2;

/** What is stored under each of these ids, in their order. Stale ones have nothing. */
export function* readInodeRecords(
  view: Pick<View, 'tx' | 'layer'>,
  ids: readonly InodeId[],
): Op<readonly (Bytes | undefined)[]> {
  const runs = runsOf(ids);
  const inRuns = new Map<number, Bytes>();
  for (const run of runs) yield* readRun(view, run, inRuns);
  const others = inRuns.size === 0 ? ids : ids.filter((id) => !inRuns.has(id));
  const looked = yield* view.tx.getMany(others.map((id) => inodeKey(view.layer, id)));
  if (others === ids) return looked;
  let at = 0;
  return ids.map((id) => inRuns.get(id) ?? looked[at++]);
}

interface Run {
  readonly first: InodeId;
  readonly last: InodeId;
}

function runsOf(ids: readonly InodeId[]): readonly Run[] {
  const ascending = ids.toSorted((one, other) => one - other);
  const runs: Run[] = [];
  let start = 0;
  for (const [at, id] of ascending.entries()) {
    const next = ascending[at + 1];
    if (next !== undefined && next - id <= GAP_MAX) continue;
    const first = ascending[start];
    if (first !== undefined && at + 1 - start >= RUN_MIN) runs.push({ first, last: id });
    start = at + 1;
  }
  return runs;
}

/** Damage is told by who looks up what is missing here: that of others' inodes is none of a listing's. */
function* readRun(
  { tx, layer }: Pick<View, 'tx' | 'layer'>,
  { first, last }: Run,
  into: Map<number, Bytes>,
): Op<number> {
  const bounds = { start: inodeKey(layer, first), end: successor(inodeKey(layer, last)) };
  const entries = yield* tx.range({ ...bounds, limit: last - first + 1, onDamaged: () => undefined });
  for (const { key, value } of entries) into.set(inodeOfKey(key), value);
  return entries.length;
}

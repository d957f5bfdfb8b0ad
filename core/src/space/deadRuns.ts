/**
 * Dead runs: what is known to be dead in each container, each byte once. Neighbours are one run as long as both
 * were punched or neither was, so that a run that waits for its punch is not lost in one that had it.
 */

import type { Op, ReadTx, WriteTx } from '@facet/engine';
import type { ContainerId, PhysicalRun } from '@facet/extents';
import { containerKey, deadRunKey, deadRunsOf, offsetOfRunKey, successor } from '../meta/keys.ts';
import {
  type ContainerRecord,
  type DeadRun,
  decodeContainer,
  decodeDeadRun,
  encodeContainer,
  encodeDeadRun,
} from '../meta/records/space.ts';

/** Runs in the way of a new one that one step looks at. */
const NEIGHBOURS_MAX = 256;

interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly punched: boolean;
}

export interface Burial {
  /** Bytes that were not known to be dead before. */
  readonly addedBytes: number;
  /** Not looked at yet: more lay in the way than one step takes on. */
  readonly left?: PhysicalRun;
}

/** Adds a run. Bytes known to be dead already are no error: what finds them dead may come twice. */
export function* buryRun(tx: WriteTx, run: PhysicalRun): Op<Burial> {
  const { container } = run;
  const bounds = deadRunsOf(container);
  const [before] = yield* tx.range({
    start: bounds.start,
    end: deadRunKey(container, run.offset),
    limit: 1,
    reverse: true,
  });
  const after = yield* tx.range({
    start: deadRunKey(container, run.offset),
    end: successor(deadRunKey(container, run.offset + run.length)),
    limit: NEIGHBOURS_MAX,
  });
  const known = [...(before ? [before] : []), ...after].map(stretchOf);
  const last = after.length === NEIGHBOURS_MAX ? known.at(-1) : undefined;
  const end = last ? last.start : run.offset + run.length;
  const { merged, addedBytes } = unite(known, { start: run.offset, end });
  for (const stretch of known) tx.delete(deadRunKey(container, stretch.start));
  for (const stretch of merged) putStretch(tx, container, stretch);
  yield* countDead(tx, container, addedBytes);
  if (!last) return { addedBytes };
  return { addedBytes, left: { container, offset: end, length: run.offset + run.length - end } };
}

function stretchOf({ key, value }: { readonly key: Uint8Array; readonly value: Uint8Array }): Stretch {
  const { length, punched } = decodeDeadRun(value);
  const start = offsetOfRunKey(key);
  return { start, end: start + length, punched };
}

function putStretch(tx: WriteTx, container: ContainerId, { start, end, punched }: Stretch): void {
  tx.put(deadRunKey(container, start), encodeDeadRun({ length: end - start, punched }));
}

/** `known`, in order and apart, with the gaps within `fresh` filled by stretches that are not punched. */
function unite(
  known: readonly Stretch[],
  fresh: { readonly start: number; readonly end: number },
): { readonly merged: readonly Stretch[]; readonly addedBytes: number } {
  const merged: Stretch[] = [];
  let addedBytes = 0;
  const push = (next: Stretch): void => {
    const last = merged.at(-1);
    if (last && last.end === next.start && last.punched === next.punched) {
      merged[merged.length - 1] = { ...last, end: next.end };
    } else merged.push(next);
  };
  const fill = (from: number, to: number): void => {
    if (from >= to) return;
    push({ start: from, end: to, punched: false });
    addedBytes += to - from;
  };
  let at = fresh.start;
  for (const stretch of known) {
    fill(at, Math.min(stretch.start, fresh.end));
    push(stretch);
    at = Math.max(at, stretch.end);
  }
  fill(at, fresh.end);
  return { merged, addedBytes };
}

/** Whether every byte of the run is known to be dead, in however many runs. */
export function* isDead(tx: ReadTx, { container, offset, length }: PhysicalRun): Op<boolean> {
  const [first] = yield* tx.range({
    start: deadRunsOf(container).start,
    end: successor(deadRunKey(container, offset)),
    limit: 1,
    reverse: true,
  });
  let deadUntil = first ? stretchOf(first).end : 0;
  if (deadUntil <= offset) return false;
  while (deadUntil < offset + length) {
    const next = yield* tx.get(deadRunKey(container, deadUntil));
    if (!next) return false;
    deadUntil += decodeDeadRun(next).length;
  }
  return true;
}

function* countDead(tx: WriteTx, container: ContainerId, addedBytes: number): Op<ContainerRecord> {
  const key = containerKey(container);
  const stored = yield* tx.get(key);
  const before = stored ? decodeContainer(stored).deadBytes : 0;
  const record = { deadBytes: before + addedBytes };
  if (addedBytes > 0) tx.put(key, encodeContainer(record));
  return record;
}

/** A run whose blocks were given back joins its neighbours that had that before. */
export function* markPunched(tx: WriteTx, run: PhysicalRun): Op<{ readonly found: boolean }> {
  const { container, offset, length } = run;
  const key = deadRunKey(container, offset);
  const [before] = yield* tx.range({ ...deadRunsOf(container), end: key, limit: 1, reverse: true });
  const [stored, after] = yield* tx.getMany([key, deadRunKey(container, offset + length)]);
  // It grew since it was punched: the rest is to be punched yet, so all of it is once more.
  if (!stored || !isSame(decodeDeadRun(stored), { length, punched: false })) return { found: false };
  let start = offset;
  let end = offset + length;
  const previous = before && stretchOf(before);
  if (previous?.punched && previous.end === start) {
    start = previous.start;
    tx.delete(key);
  }
  const next = after && decodeDeadRun(after);
  if (next?.punched) {
    tx.delete(deadRunKey(container, end));
    end += next.length;
  }
  putStretch(tx, container, { start, end, punched: true });
  return { found: true };
}

const isSame = (one: DeadRun, other: DeadRun): boolean =>
  one.length === other.length && one.punched === other.punched;

/** A stretch of dead bytes to give back, and the run in it that was not given back before. */
export interface Punchable {
  readonly run: PhysicalRun;
  /** `run` with the punched runs on either side of it. */
  readonly stretch: PhysicalRun;
}

export interface PunchablePage {
  readonly found: readonly Punchable[];
  /** Where to go on. */
  readonly next?: PhysicalRun;
}

/** The runs, at least `leastBytes` long, that touch `within` and were not punched. */
export function* findPunchable(
  tx: ReadTx,
  within: PhysicalRun,
  page: { readonly leastBytes: number; readonly limit: number },
): Op<PunchablePage> {
  const { container } = within;
  const end = within.offset + within.length;
  const start = deadRunKey(container, within.offset);
  // The first of the two may reach into `within`; the other is then its neighbour.
  const before = yield* tx.range({ ...deadRunsOf(container), end: start, limit: 2, reverse: true });
  const inside = yield* tx.range({ start, end: deadRunKey(container, end), limit: page.limit });
  const runs = [...before.toReversed(), ...inside].map(stretchOf);
  const last = runs.at(-1);
  if (!last) return { found: [] };
  const beyondKey = deadRunKey(container, last.end);
  const beyond = yield* tx.get(beyondKey);
  const found: Punchable[] = [];
  for (const [index, run] of runs.entries()) {
    const touches = run.end > within.offset && run.start < end;
    if (!touches || run.punched || run.end - run.start < page.leastBytes) continue;
    const previous = runs[index - 1];
    const next = runs[index + 1] ?? (beyond && stretchOf({ key: beyondKey, value: beyond }));
    const from = previous?.punched && previous.end === run.start ? previous.start : run.start;
    const to = next?.punched && next.start === run.end ? next.end : run.end;
    found.push({ run: runBetween(container, run.start, run.end), stretch: runBetween(container, from, to) });
  }
  if (inside.length < page.limit || last.end >= end) return { found };
  return { found, next: runBetween(container, last.end, end) };
}

function runBetween(container: ContainerId, start: number, end: number): PhysicalRun {
  return { container, offset: start, length: end - start };
}

/**
 * The collector's second phase, its transactions: runs whose readers are done become dead runs of their
 * containers. The reclaim record stays until the bytes were given back, so that a crash in between is made good.
 */

import type { ContainerId, PhysicalRun } from '@facet/extents';
import type { Command } from '../commands/command.ts';
import { containerKey, deadRunsOf, reclaimKey } from '../meta/keys.ts';
import { decodeReclaim, encodeReclaim } from '../meta/records/space.ts';
import { buryRun, markPunched } from './deadRuns.ts';

export interface Buried {
  /** Reclaim records all of whose runs are dead runs now. */
  readonly sequences: readonly number[];
  /** Records with runs that are not dead runs yet, and those runs. */
  readonly unfinished: readonly { readonly sequence: number; readonly runs: readonly PhysicalRun[] }[];
  /** What is dead now, whether or not it was before. */
  readonly runs: readonly PhysicalRun[];
  readonly addedBytes: number;
}

/** Makes the runs of reclaim records dead, in order, about `steps` of them. */
export const buryRuns: Command<{ readonly sequences: readonly number[]; readonly steps: number }, Buried> = {
  name: 'buryRuns',
  runsWhenFull: true,
  *run(tx, args) {
    const sequences: number[] = [];
    const unfinished: { readonly sequence: number; readonly runs: readonly PhysicalRun[] }[] = [];
    const runs: PhysicalRun[] = [];
    let addedBytes = 0;
    for (const sequence of args.sequences) {
      if (runs.length >= args.steps) break;
      const stored = yield* tx.get(reclaimKey(sequence));
      if (!stored) continue;
      const record = decodeReclaim(stored);
      const left: PhysicalRun[] = [];
      for (const run of record.runs) {
        const burial = yield* buryRun(tx, run);
        addedBytes += burial.addedBytes;
        runs.push(burial.left ? { ...run, length: burial.left.offset - run.offset } : run);
        if (burial.left) left.push(burial.left);
      }
      if (left.length === 0) sequences.push(sequence);
      else unfinished.push({ sequence, runs: left });
    }
    return { sequences, unfinished, runs, addedBytes };
  },
};

/** Takes out of the queue what was given back, and notes the runs that were punched. */
export const finishReclaim: Command<
  Pick<Buried, 'sequences' | 'unfinished'> & { readonly punched: readonly PhysicalRun[] },
  { readonly punched: number }
> = {
  name: 'finishReclaim',
  runsWhenFull: true,
  *run(tx, args) {
    let punched = 0;
    for (const run of args.punched) if ((yield* markPunched(tx, run)).found) punched += 1;
    for (const sequence of args.sequences) tx.delete(reclaimKey(sequence));
    for (const { sequence, runs } of args.unfinished) {
      const stored = yield* tx.get(reclaimKey(sequence));
      if (stored) tx.put(reclaimKey(sequence), encodeReclaim({ ...decodeReclaim(stored), runs }));
    }
    return { punched };
  },
};

/** Forgets a container that is gone from the disk, `steps` runs at a time. @returns whether all is forgotten. */
export const forgetContainer: Command<
  { readonly container: ContainerId; readonly steps: number },
  { readonly done: boolean }
> = {
  name: 'forgetContainer',
  runsWhenFull: true,
  *run(tx, { container, steps }) {
    const page = yield* tx.range({ ...deadRunsOf(container), limit: steps });
    for (const { key } of page) tx.delete(key);
    if (page.length === steps) return { done: false };
    tx.delete(containerKey(container));
    return { done: true };
  },
};

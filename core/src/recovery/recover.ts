/**
 * Recovery: what writers that are no more left behind. Only containers that they leased are looked at; what
 * nothing refers to goes to the collector, and their leases end: those containers are sealed for ever.
 *
 * It can be cut off at any point and done again: to find bytes dead twice is no error.
 */

import { type ContainerInfo, containerId, type ExtentStore, type PhysicalRun } from '@facet/extents';
import type { Command, Commands } from '../commands/command.ts';
import { take } from '../commands/counter.ts';
import { FREE_SEQUENCE } from '../contents/bodies.ts';
import { fromExtents } from '../contents/read.ts';
import {
  firstOfLeaseKey,
  instanceOfLeaseKey,
  leaseKey,
  reclaimKey,
  SPACE,
  spaceBounds,
} from '../meta/keys.ts';
import { encodeReclaim } from '../meta/records/space.ts';
import { decodeNumber } from '../meta/records/volume.ts';
import type { LeasedContainers } from './leases.ts';
import { type LostBytes, type Survey, surveyDedicated, surveySegment } from './survey.ts';

const RUNS_PER_RECORD = 250;

export interface RecoveryParts {
  readonly commands: Commands;
  readonly extents: ExtentStore;
  /** Runs that are not over, this one among them: their leases are not looked at. */
  readonly isRunning: (instance: Buffer) => boolean;
  /** Told of referred bytes that are damaged or missing. The start goes on. */
  readonly onLost?: (lost: LostBytes) => void;
  /** Ends it early: what is left is for the next start. */
  readonly signal?: AbortSignal;
}

export interface Recovered {
  readonly leases: number;
  /** Containers that were looked at. */
  readonly containers: number;
  readonly liveFrames: number;
  /** Bytes that nothing refers to, some of which may have been known before. */
  readonly deadBytes: number;
  readonly lost: number;
}

/** Hands runs that nothing refers to to the collector, as if they had been dropped just now. */
const enqueueReclaim: Command<{ readonly runs: readonly PhysicalRun[] }, number> = {
  name: 'enqueueReclaim',
  runsWhenFull: true,
  *run(tx, { runs }) {
    const stamp = yield* take(tx, { name: FREE_SEQUENCE, count: 1 });
    tx.put(reclaimKey(stamp), encodeReclaim({ stamp, runs }));
    return stamp;
  },
};

const endLease: Command<LeasedContainers, { readonly existed: boolean }> = {
  name: 'endLease',
  runsWhenFull: true,
  *run(tx, { instance, first }) {
    const key = leaseKey(instance, first);
    const existed = (yield* tx.get(key)) !== undefined;
    tx.delete(key);
    return { existed };
  },
};

/**
 * Brings containers and metadata together again. Of a run that is over nothing may be under way any more.
 * @throws FsError Failed | Closed
 */
export async function recover(parts: RecoveryParts): Promise<Recovered> {
  const sum = { leases: 0, containers: 0, liveFrames: 0, deadBytes: 0, lost: 0 };
  for (const lease of await leasesOfOthers(parts)) {
    for (let id: number = lease.first; id < lease.first + lease.count; id += 1) {
      if (parts.signal?.aborted) return sum;
      const survey = await surveyContainer(parts, id);
      if (!survey) continue;
      sum.containers += 1;
      sum.liveFrames += survey.liveFrames;
      sum.lost += survey.lost.length;
      for (const run of survey.dead) sum.deadBytes += run.length;
      for (const lost of survey.lost) parts.onLost?.(lost);
      for (let at = 0; at < survey.dead.length; at += RUNS_PER_RECORD) {
        await parts.commands.run(enqueueReclaim, { runs: survey.dead.slice(at, at + RUNS_PER_RECORD) });
      }
    }
    await parts.commands.run(endLease, lease);
    sum.leases += 1;
  }
  return sum;
}

async function leasesOfOthers(parts: RecoveryParts): Promise<readonly LeasedContainers[]> {
  const entries = await parts.commands.read('recover', (tx) =>
    tx.range({ ...spaceBounds(SPACE.lease), limit: Number.MAX_SAFE_INTEGER }),
  );
  return entries
    .map(({ key, value }) => ({
      instance: instanceOfLeaseKey(key),
      first: containerId(firstOfLeaseKey(key)),
      count: decodeNumber(value),
    }))
    .filter(({ instance }) => !parts.isRunning(instance));
}

/** Undefined when there is no such container, or nothing in it. */
async function surveyContainer(parts: RecoveryParts, id: number): Promise<Survey | undefined> {
  const { extents } = parts;
  try {
    const info: ContainerInfo | undefined = await extents.status(containerId(id));
    if (!info) return undefined;
    if (info.sizeBytes > 0) {
      // What is found out is kept: the length that it goes by must not be another one after a power cut.
      await extents.settle(info.container);
      return await (info.kind === 'segment' ? surveySegment(parts, info) : surveyDedicated(parts, info));
    }
    await extents.unlink(info.container);
    return undefined;
  } catch (error) {
    throw fromExtents(error);
  }
}

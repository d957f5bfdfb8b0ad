/** Compaction on demand: to its end, and with what it came to. */

import type { ExtentStore } from '@facet/extents';
import { fromExtents } from '../contents/read.ts';
import type { Collector } from './collector.ts';
import type { CompactOptions, Compactor, CompactorCounts } from './compactor.ts';

export interface CompactedStore extends Omit<CompactorCounts, 'faults'> {
  /** What all containers take of the disk. */
  readonly allocatedBytesBefore: number;
  readonly allocatedBytesAfter: number;
  /** False when it was ended early. */
  readonly complete: boolean;
}

export interface CompactStoreParts {
  readonly extents: Pick<ExtentStore, 'list'>;
  readonly collector: Pick<Collector, 'drain'>;
  readonly compactor: Pick<Compactor, 'counts' | 'run'>;
}

/** @throws FsError NoSpace | Failed | Closed */
export async function compactStore(
  { extents, collector, compactor }: CompactStoreParts,
  options: CompactOptions,
): Promise<CompactedStore> {
  const allocatedBytesBefore = await allocatedBytes(extents);
  // What was dropped just now is to be known to be dead.
  await collector.drain();
  const before = compactor.counts;
  const complete = await compactor.run(options);
  await collector.drain();
  const after = compactor.counts;
  return {
    segments: after.segments - before.segments,
    movedExtents: after.movedExtents - before.movedExtents,
    movedBytes: after.movedBytes - before.movedBytes,
    mergedPieces: after.mergedPieces - before.mergedPieces,
    outdated: after.outdated - before.outdated,
    damaged: after.damaged - before.damaged,
    allocatedBytesBefore,
    allocatedBytesAfter: await allocatedBytes(extents),
    complete,
  };
}

async function allocatedBytes(extents: CompactStoreParts['extents']): Promise<number> {
  try {
    const containers = await extents.list();
    return containers.reduce((sum, container) => sum + container.allocatedBytes, 0);
  } catch (error) {
    throw fromExtents(error);
  }
}

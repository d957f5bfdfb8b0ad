/** Compaction on demand: to its end, and with what it came to. */

import type { ExtentStore } from '@facet/extents';
import { fromExtents } from '../contents/read.ts';
import type { Maintenance, PacedWork } from '../maintenance/maintenance.ts';
import type { Collector } from './collector.ts';
import type { Compacted } from './compactor.ts';

export interface CompactedStore extends Compacted {
  /** What all containers take of the disk. */
  readonly allocatedBytesBefore: number;
  readonly allocatedBytesAfter: number;
}

export interface CompactStoreParts {
  readonly extents: Pick<ExtentStore, 'list'>;
  readonly collector: Pick<Collector, 'drain'>;
  readonly maintenance: Pick<Maintenance, 'compact'>;
}

/** @throws FsError NoSpace | Failed | Closed */
export async function compactStore(
  { extents, collector, maintenance }: CompactStoreParts,
  work: PacedWork,
): Promise<CompactedStore> {
  const allocatedBytesBefore = await allocatedBytes(extents);
  // What was dropped just now is to be known to be dead.
  await collector.drain();
  const compacted = await maintenance.compact(work);
  await collector.drain();
  return { ...compacted, allocatedBytesBefore, allocatedBytesAfter: await allocatedBytes(extents) };
}

async function allocatedBytes(extents: CompactStoreParts['extents']): Promise<number> {
  try {
    const containers = await extents.list();
    return containers.reduce((sum, container) => sum + container.allocatedBytes, 0);
  } catch (error) {
    throw fromExtents(error);
  }
}

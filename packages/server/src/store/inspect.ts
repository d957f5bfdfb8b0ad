/**
 * Opens a store only to look at it: no recovery, no background work. Nothing is changed; but what is in the journal is
 * brought to its place, and a wrong list of free pages is made anew, which changes nothing that is in the store.
 */

import { type FsckParts, type FsckReport, fsck } from '@facet/core';
import { LocalExtentStore, NodeDisk, strayFiles } from '@facet/extents';
import { fromCore } from '../coreFailure.ts';
import type { StoreLayout } from './layout.ts';
import { type MetadataWatcher, openMetadata } from './metadata.ts';

export interface InspectOptions
  extends Pick<FsckParts, 'full' | 'onFinding' | 'onProgress'>,
    Pick<MetadataWatcher, 'onRemadeFreeList'> {
  /** Its lock is held by the caller. */
  readonly layout: StoreLayout;
}

/** @throws CommandFailure, also for the core's errors; EngineError, ExtentError */
export async function inspectStore({
  layout,
  onRemadeFreeList,
  ...options
}: InspectOptions): Promise<FsckReport> {
  const { engine } = await openMetadata(layout, {
    pageCheckMsMax: Number.POSITIVE_INFINITY,
    ...(onRemadeFreeList && { onRemadeFreeList }),
  });
  const disk = new NodeDisk(layout.extents);
  const extents = new LocalExtentStore({
    disk,
    lease: () => Promise.reject(new Error('an inspection writes nothing')),
  });
  try {
    return await fsck({ engine, extents, strays: () => strayFiles(disk), ...options });
  } catch (error) {
    throw fromCore(error);
  } finally {
    await extents.close();
    await engine.close();
  }
}

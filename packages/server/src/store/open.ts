/** Opens a store: the metadata engine, the extents, and the core over both. */

import { type Core, openCore, systemEnvironment } from '@facet/core';
import { openLmdbEngine } from '@facet/engine';
import { LocalExtentStore, NodeDisk } from '@facet/extents';
import { storeInUse } from './holding.ts';
import type { StoreLayout } from './layout.ts';
import type { StoreLock } from './lock.ts';

export interface OpenStore {
  readonly core: Core;
  /** Resolves when the device failed in a way after which the process must end. */
  readonly failed: Promise<Error>;
  /** Leaves the lock to whoever took it. */
  close(): Promise<void>;
}

/** Opens the store that `lock` holds for this process. */
export async function openStore(layout: StoreLayout, lock: StoreLock): Promise<OpenStore> {
  // What the last instance left is put in order while no other can be at work.
  if (!lock.tryLock('instances', 'exclusive')) throw storeInUse(layout, 'wait until it has ended');
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  const core = await openCore({
    engine: await openLmdbEngine({ path: layout.metadata, onFatal: fail }),
    environment: systemEnvironment(),
    openExtents: async (lease) => new LocalExtentStore({ disk: new NodeDisk(layout.extents), lease }),
  });
  lock.tryLock('instances', 'shared');
  return { core, failed, close: () => core.close() };
}

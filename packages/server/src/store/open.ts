/** Opens a store: the metadata engine, the extents, and the core over both. */

import { type Core, openCore, type Recovered, systemEnvironment } from '@facet/core';
import { containerName, LocalExtentStore, NodeDisk } from '@facet/extents';
import { restoreCrashSignals } from '../crashSignals.ts';
import { storeInUse } from './holding.ts';
import type { StoreLayout } from './layout.ts';
import type { StoreLock } from './lock.ts';
import { openMetadata } from './metadata.ts';
import { diskReserve } from './reserve.ts';

export interface OpenStore {
  readonly core: Core;
  /** Resolves when the device failed in a way after which the process must end. */
  readonly failed: Promise<Error>;
  /** Leaves the lock to whoever took it. */
  close(): Promise<void>;
}

/** Who is told of what goes wrong where no caller waits for it. */
export interface StoreWatcher {
  error(fields: object, message: string): void;
  info(fields: object, message: string): void;
}

export interface OpenStoreOptions {
  readonly layout: StoreLayout;
  /** Held by this process for the whole time that the store is open. */
  readonly lock: StoreLock;
  readonly watcher: StoreWatcher;
}

/** Opens a store, and recovers it from a holder that did not close it. */
export async function openStore({ layout, lock, watcher }: OpenStoreOptions): Promise<OpenStore> {
  restoreCrashSignals();
  // What the last instance left is put in order while no other can be at work.
  if (!lock.tryLock('instances', 'exclusive')) throw storeInUse(layout, 'wait until it has ended');
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  const { engine, journal } = await openMetadata(layout, { onFatal: fail });
  const onRecovered = (recovered: Recovered): void => {
    if (recovered.leases > 0)
      watcher.info({ ...recovered }, 'recovered what the last holder of the store left behind');
  };
  const core = await openCore({
    engine,
    reserve: await diskReserve(layout),
    environment: systemEnvironment(),
    openExtents: async (lease) =>
      new LocalExtentStore({
        disk: new NodeDisk(layout.extents),
        lease,
        journal,
        onWriteFault: ({ container, error }) =>
          watcher.error(
            { container: containerName(container, 'segment'), err: error },
            'a segment could not be written and is given up',
          ),
      }),
    onLost: ({ run, ...lost }) =>
      watcher.error(
        { run: { ...run, container: containerName(run.container) }, ...lost },
        'recovery found bytes damaged or missing: see facet fsck',
      ),
    onFault: ({ doing, error }) =>
      watcher.error({ doing, err: error }, 'background work failed, and goes on'),
    onRecovered,
    onRoom: ({ full }) => {
      if (!full) watcher.info({}, 'there is room on the disk again: everything works');
      else watcher.error({}, 'the disk is full: reads and deletes go on, what takes room is refused');
    },
  });
  if (core.recovered) onRecovered(core.recovered);
  else watcher.error({}, 'recovery waits until there is room on the disk: what is read is whole');
  lock.tryLock('instances', 'shared');
  return { core, failed, close: () => core.close() };
}

/** Opens a store: the metadata engine, the extents, and the core over both. */

import {
  type Core,
  type LookupChanges,
  type Maintenance,
  openCore,
  type Recovered,
  systemEnvironment,
} from '@facet/core';
import type { LmdbEngine, ReaderNotice } from '@facet/engine';
import { containerName, LocalExtentStore, NodeDisk } from '@facet/extents';
import type { JournalOptions } from '@facet/journal';
import { REMADE_FREE_LIST } from './freeListRemark.ts';
import { storeInUse } from './holding.ts';
import type { StoreLayout } from './layout.ts';
import { readStoreState, type StoreLock } from './lock.ts';
import { openMetadata } from './metadata.ts';
import { type DiskReserve, diskReserve } from './reserve.ts';

export interface OpenStore {
  readonly core: Core;
  readonly engine: Pick<LmdbEngine, 'counts' | 'waiting'>;
  /** Of the extents. */
  readonly disk: Pick<NodeDisk, 'counts'>;
  readonly extents: Pick<LocalExtentStore, 'checksumErrors'>;
  readonly reserve: Pick<DiskReserve, 'heldBytes'>;
  /** Resolves when the device failed in a way after which the process must end. */
  readonly failed: Promise<Error>;
  /** While another process opens the metadata. */
  holdStill: LmdbEngine['holdStill'];
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
  /** Told of each write of the journal. */
  readonly onJournalWrite?: JournalOptions['onWritten'];
  /** Other processes that serve doors of it. None unless told. */
  readonly family?: {
    readonly notice: ReaderNotice;
    readonly changes: LookupChanges;
    /** Instances of workers that run, and have since before this process. */
    readonly running: readonly Uint8Array[];
    /** The one that compacts and scrubs. */
    readonly maintenance: Maintenance;
  };
}

/** Whoever asks meanwhile waits. Of large metadata damage may lie beyond what is looked at in that time. */
const LOOK_MS_MAX = 10_000;

/** Opens a store, and recovers it from a holder that did not close it. */
export async function openStore({
  layout,
  lock,
  watcher,
  onJournalWrite,
  family,
}: OpenStoreOptions): Promise<OpenStore> {
  // What the last instance left is put in order while no other can be at work.
  if (!lock.tryLock('instances', 'exclusive')) throw storeInUse(layout, 'wait until it has ended');
  // Of damage that LMDB meets a process may end without a word: then the next one looks before LMDB does.
  const before = readStoreState(layout.lock);
  lock.noteStore(before === 'open' ? 'open' : 'opening');
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  const { engine, journal } = await openMetadata(layout, {
    onFatal: fail,
    ...(onJournalWrite && { onWritten: onJournalWrite }),
    ...(family && { notice: family.notice }),
    ...(before !== 'closed' && { pageCheckMsMax: LOOK_MS_MAX }),
    onRemadeFreeList: (remade) => watcher.info({ ...remade }, REMADE_FREE_LIST),
  });
  lock.noteStore('open');
  const reserve = await diskReserve(layout);
  const disk = new NodeDisk(layout.extents);
  let checksumErrors = () => 0;
  const onRecovered = (recovered: Recovered): void => {
    if (recovered.leases > 0)
      watcher.info({ ...recovered }, 'recovered what the last holder of the store left behind');
  };
  const core = await openCore({
    engine,
    settle: () => engine.settle(),
    ...(family && { changes: family.changes, running: family.running, maintenance: family.maintenance }),
    reserve,
    environment: systemEnvironment(),
    openExtents: async (lease) => {
      const store = new LocalExtentStore({
        disk,
        lease,
        journal,
        onWriteFault: ({ container, error }) =>
          watcher.error(
            { container: containerName(container, 'segment'), err: error },
            'a segment could not be written and is given up',
          ),
      });
      checksumErrors = () => store.checksumErrors;
      return store;
    },
    onLost: ({ run, ...lost }) =>
      watcher.error(
        { run: { ...run, container: containerName(run.container) }, ...lost },
        'recovery found bytes damaged or missing: see facet fsck',
      ),
    onFault: ({ doing, error }) =>
      watcher.error({ doing, err: error }, 'background work failed, and goes on'),
    onRecovered,
    onRoom: ({ full }) => {
      if (!full) {
        // There may have been none for it before.
        lock.noteStore('open');
        watcher.info({}, 'there is room on the disk again: everything works');
      } else watcher.error({}, 'the disk is full: reads and deletes go on, what takes room is refused');
    },
  });
  if (core.recovered) onRecovered(core.recovered);
  else watcher.error({}, 'recovery waits until there is room on the disk: what is read is whole');
  lock.tryLock('instances', 'shared');
  return {
    core,
    engine,
    disk,
    extents: {
      get checksumErrors() {
        return checksumErrors();
      },
    },
    reserve,
    failed,
    holdStill: () => engine.holdStill(),
    close: async () => {
      await core.close();
      lock.noteStore('closed');
    },
  };
}

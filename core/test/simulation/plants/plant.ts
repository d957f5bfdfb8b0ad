import type { Engine } from '@facet/engine';
import type { Disk, ExtentStore, MemoryDiskOptions } from '@facet/extents';
import type { JournalKind } from '../faultyJournal.ts';

/** A bug, built into a world from outside: nothing but a test can get there. */
export interface Plant {
  /** The world that it is in. */
  readonly world?: {
    readonly journal?: JournalKind;
    readonly faults?: true;
    readonly ignoresSyncOf?: NonNullable<MemoryDiskOptions['ignoresSyncOf']>;
  };
  /** What must find it: the whole of what is said, or its beginning. */
  readonly foundBy: RegExp;
  /** Instead of the engine. `commandOf` says which command is under way. */
  readonly engine?: (inner: Engine, commandOf: () => string | undefined) => Engine;
  /** Instead of the disk that extents are on. */
  readonly disk?: (inner: Disk) => Disk;
  /** Instead of the extent store, for the core. */
  readonly extents?: (inner: ExtentStore) => ExtentStore;
  /** Changes something that is shared. @returns puts it back */
  readonly install?: () => () => void;
}

import type { Engine } from '@facet/engine';
import type { Disk, ExtentStore, MemoryDiskOptions } from '@facet/extents';
import type {
  Answers,
  Freshness,
  OtherEnd,
  StoreAccess,
  StoreCalls,
  WorkerCalls,
} from '../../../src/index.ts';
import type { JournalKind } from '../faultyJournal.ts';
import type { Invariant } from '../invariants.ts';

/** A bug between the processes of a world that has several. */
export interface FamilyPlant {
  /** Instead of the words that say how far readers are behind. */
  readonly freshness?: (inner: Freshness) => Freshness;
  /** Instead of what a worker answers to the store. */
  readonly workerAnswers?: (inner: Answers<WorkerCalls>) => Answers<WorkerCalls>;
  /** Instead of what the store answers to a worker. */
  readonly storeAnswers?: (inner: Answers<StoreCalls>) => Answers<StoreCalls>;
  /** Instead of the store, as a worker reaches it. */
  readonly store?: (inner: OtherEnd<StoreCalls>, access: StoreAccess) => OtherEnd<StoreCalls>;
  /** A worker is taken to be over while what it asked for is under way. */
  readonly endsAtOnce?: true;
}

/** A bug, built into a world from outside: nothing but a test can get there. */
export interface Plant {
  /** The world that it is in. */
  readonly world?: {
    readonly journal?: JournalKind;
    readonly faults?: true;
    readonly workers?: number;
    readonly compacts?: true;
    readonly actions?: number;
    readonly ignoresSyncOf?: NonNullable<MemoryDiskOptions['ignoresSyncOf']>;
  };
  /** What it breaks, one of which must be found. */
  readonly breaks: readonly Invariant[];
  /** Instead of the engine. `commandOf` says which command is under way. */
  readonly engine?: (inner: Engine, commandOf: () => string | undefined) => Engine;
  /** Instead of the disk that extents are on. */
  readonly disk?: (inner: Disk) => Disk;
  /** Instead of the extent store, for the core. */
  readonly extents?: (inner: ExtentStore) => ExtentStore;
  /** Between the processes of a world that has several. */
  readonly family?: FamilyPlant;
  /** Changes something that is shared. @returns puts it back */
  readonly install?: () => () => void;
}

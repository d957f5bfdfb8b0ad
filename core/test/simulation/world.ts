/** The store of one world: its processes come and go, each waiting at every step, over a disk that outlives them. */

import { AsyncLocalStorage } from 'node:async_hooks';
import type { Engine, MemoryState } from '@facet/engine';
import { LocalExtentStore, type MemoryDiskOptions } from '@facet/extents';
import { type Core, openCore, type Volume } from '../../src/index.ts';
import type { LostBytes } from '../../src/recovery/survey.ts';
import { below, type Random } from '../random.ts';
import { Clock } from './clock.ts';
import { Family } from './family/family.ts';
import type { JournalKind } from './faultyJournal.ts';
import { Metadata } from './metadata.ts';
import { ObservedCommands, type UnderWay, WitnessedEngine } from './observed.ts';
import type { Plant } from './plants/plant.ts';
import { SimulatedProcess } from './process.ts';
import type { Scheduler } from './scheduler.ts';
import { TroubledDisk } from './troubledDisk.ts';
import { Turns } from './turns.ts';

export interface WorldOptions {
  readonly scheduler: Scheduler;
  readonly ignoresSyncOf?: MemoryDiskOptions['ignoresSyncOf'];
  /** Told of each commit, in order, at the moment it happens. */
  readonly onCommit: (command: UnderWay) => void;
  /** Given: small changes are durable in a journal first. */
  readonly journal?: JournalKind;
  /** Given: the metadata is in LMDB, there; nothing may be interleaved then, nor the power cut. */
  readonly lmdbFolder?: string;
  /** The disk is full now and then. */
  readonly fills?: boolean;
  /** Disk operations fail now and then. */
  readonly faults?: boolean;
  /** So many processes serve by key beside the store's. None unless told. */
  readonly workers?: number;
  /** With those: another one of them compacts and scrubs. */
  readonly isMaintained?: boolean;
  /** Something is wrong in it, which must be found. */
  readonly plant?: Plant;
}

/** Small enough that segments fill, and that large extents are synced while they are written. */
const EXTENT_SIZES = { segmentBytes: 1 << 20, syncEveryBytes: 32 << 10 };

export class World {
  readonly #options: WorldOptions;
  readonly #random: Random;
  readonly #clock: Clock;
  readonly #turns = new Turns();
  readonly #disk: TroubledDisk;
  readonly #metadata: Metadata;
  /** The processes that serve by key, where others than the store's do. */
  readonly family: Family | undefined;
  /** What has the store. */
  #process: SimulatedProcess;
  readonly #underWay = new AsyncLocalStorage<UnderWay>();
  readonly lost: LostBytes[] = [];
  readonly faults: unknown[] = [];
  /** The device failed under the metadata: the process is over. */
  #died = false;
  #broken: unknown;
  #engine: Engine | undefined;
  #extents: LocalExtentStore | undefined;
  #volume: Volume | undefined;

  constructor(options: WorldOptions) {
    const { scheduler, ignoresSyncOf, faults = false, workers = 0, journal, lmdbFolder } = options;
    this.#options = options;
    this.#random = scheduler.random;
    this.#clock = new Clock(this.#random);
    this.#disk = new TroubledDisk({
      disk: { random: this.#random, ...(ignoresSyncOf && { ignoresSyncOf }) },
      turns: this.#turns,
      history: scheduler.history,
      faults,
      isShared: workers > 0,
    });
    this.#process = new SimulatedProcess(scheduler);
    if (workers > 0) this.family = this.#newFamily(workers);
    this.#metadata = new Metadata({
      random: this.#random,
      randomBytes: this.#environment.randomBytes,
      disk: this.#disk,
      turns: this.#turns,
      wait: this.#wait,
      onCommit: () => this.#committed(),
      journal,
      lmdbFolder,
    });
  }

  #newFamily(count: number): Family {
    const { scheduler, journal, plant, isMaintained = false } = this.#options;
    return new Family({
      scheduler,
      environment: this.#environment,
      count,
      isMaintained,
      isJournaled: journal !== undefined,
      extentSizes: EXTENT_SIZES,
      mount: (process) => this.#disk.mount(process),
      turn: (process) => this.#turns.take(process),
      committed: () => this.committed,
      onFault: (fault) => this.faults.push(fault),
      ...(plant?.family && { plant: plant.family }),
    });
  }

  readonly #wait = async (): Promise<undefined> => {
    await this.#turns.take(this.#process);
    return undefined;
  };

  #committed(): void {
    const command = this.#underWay.getStore();
    if (command) {
      command.commits += 1;
      this.#options.onCommit(command);
    }
    this.family?.gathered();
  }

  async start(): Promise<Core> {
    const { plant } = this.#options;
    const environment = this.#environment;
    this.#died = false;
    this.#process = new SimulatedProcess(this.#options.scheduler);
    this.#clock.set();
    const disk = this.#disk.mount(this.#process);
    const inner = await this.#metadata.open(disk);
    const commandOf = (): string | undefined => this.#underWay.getStore()?.name;
    const engine = new WitnessedEngine({
      inner: plant?.engine?.(inner, commandOf) ?? inner,
      underWay: this.#underWay,
      onBroken: (broken) => {
        this.#broken ??= broken;
      },
      onDeviceFailure: () => {
        this.#died = true;
      },
    });
    this.#engine = engine;
    const { journal } = this.#metadata;
    const maintenance = this.family?.renewMaintenance();
    const core = await openCore({
      engine,
      environment,
      commands: new ObservedCommands([engine, environment], this.#underWay),
      openExtents: async (lease) => {
        this.#extents = new LocalExtentStore({
          disk: plant?.disk?.(disk) ?? disk,
          lease,
          ...EXTENT_SIZES,
          ...(journal && { journal }),
          gather: this.#wait,
        });
        return plant?.extents?.(this.#extents) ?? this.#extents;
      },
      timer: this.#process.timer,
      ...(this.family && {
        running: this.family.running,
        settle: this.family.settle,
        changes: this.family.changes,
      }),
      ...(maintenance && { maintenance }),
      paceOf: () => ({ take: this.#wait }),
      reserve: this.#disk.reserve(this.#wait),
      onLost: (lost) => this.lost.push(lost),
      onFault: (fault) => this.faults.push(fault),
    });
    if (!this.#volume) {
      await core.accounts.create({ name: 'tester' });
      this.#volume = await core.volumes.create({ name: 'bucket', owner: 'tester' });
    }
    return core;
  }

  readonly #environment = {
    now: () => this.#clock.now(),
    monotonicMs: () => this.#clock.monotonicMs(),
    randomBytes: (count: number) => {
      const bytes = Buffer.from(Array.from({ length: count }, () => below(this.#random, 256)));
      this.#options.scheduler.history.note(`random ${bytes.toString('hex')}`);
      return bytes;
    },
  };

  get engine(): Engine {
    if (!this.#engine) throw new Error('the world has not started');
    return this.#engine;
  }

  get extents(): LocalExtentStore {
    if (!this.#extents) throw new Error('the world has not started');
    return this.#extents;
  }

  /** All that is committed. */
  get committed(): MemoryState {
    return this.#metadata.committed;
  }

  /** And before the commit of this moment; undefined at the first. */
  get committedBefore(): MemoryState | undefined {
    return this.#metadata.committedBefore;
  }

  /** The process is over, by itself. */
  get died(): boolean {
    return this.#died;
  }

  /** What was seen that must never be. */
  get broken(): unknown {
    return this.#broken;
  }

  get volume(): Volume {
    if (!this.#volume) throw new Error('the world has not started');
    return this.#volume;
  }

  /** What has the store. */
  get process(): SimulatedProcess {
    return this.#process;
  }

  /** From now on every step waits to be chosen, or, when false, none. */
  interleave(on: boolean): void {
    this.#turns.isInterleaved = on;
  }

  /** From now on nothing can be added, or, when false, there is room again. */
  fill(full: boolean): void {
    this.#disk.fill(full);
  }

  get mayFill(): boolean {
    return this.#options.fills === true;
  }

  /** Whether the commit of this moment found no room but the reserve's, when the engine began with it. */
  get tookReserve(): boolean {
    return this.#metadata.tookReserve;
  }

  /** Whether the disk has no room but the reserve's. */
  get isFull(): boolean {
    return this.#disk.isFull;
  }

  /**
   * The power goes at this very step, or, when it stays, only the process. What was committed is there after the next
   * start, and of the disk what was synced, or all.
   */
  stop(how: { readonly powerStays: boolean }): void {
    this.#process.end();
    if (how.powerStays && !this.#disk.mustCrash) {
      this.family?.storeEnded();
    } else {
      this.family?.powerWent();
      this.#disk.crash();
    }
    this.#turns.isInterleaved = false;
    this.#metadata.ended();
  }
}

/** The store of one world: memory engine and simulated disk, both waiting at every step; its power can be cut. */

import { AsyncLocalStorage, AsyncResource } from 'node:async_hooks';
import {
  type Engine,
  MemoryBases,
  MemoryEngine,
  type MemoryState,
  openJournaledMemoryEngine,
  openLmdbEngine,
} from '@facet/engine';
import {
  type ByteJournal,
  ByteReplay,
  type Disk,
  type DiskFault,
  type DiskOperation,
  LocalExtentStore,
  MemoryDisk,
  type MemoryDiskOptions,
} from '@facet/extents';
import { Journal, type JournalRecord, RECORD, type ReadRecord } from '@facet/journal';
import {
  type Core,
  type FileRef,
  type InodeId,
  openCore,
  type Volume,
  type VolumeId,
  volumeId,
} from '../../src/index.ts';
import { dentryKey, type EntryName, inodeKey, volumeKey, volumeNameKey } from '../../src/meta/keys.ts';
import { decodeInode } from '../../src/meta/records/inode.ts';
import { decodeDentry } from '../../src/meta/records/tree.ts';
import { decodeNumber, decodeVolume } from '../../src/meta/records/volume.ts';
import type { LostBytes } from '../../src/recovery/survey.ts';
import { Clock } from './clock.ts';
import { Family } from './family/family.ts';
import { type JournalKind, leavingOut, unread, unsynced } from './faultyJournal.ts';
import { MirroredEngine } from './mirroredEngine.ts';
import { ObservedCommands, type UnderWay, WitnessedEngine } from './observed.ts';
import type { Plant } from './plants/plant.ts';
import { SimulatedProcess } from './process.ts';
import { below, type Random, type Scheduler } from './scheduler.ts';

export interface WorldOptions {
  readonly scheduler: Scheduler;
  readonly disk?: Pick<MemoryDiskOptions, 'ignoresSyncOf' | 'capacityBytes'>;
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
  /** Something is wrong in it, which must be found. */
  readonly plant?: Plant;
}

const SEGMENT_BYTES = 1 << 20;
/** So that several bases come in a life. */
const COMMITS_PER_BASE = 25;
/** Of the disk's operations those that take room. */
const TAKES_ROOM: ReadonlySet<DiskOperation['kind']> = new Set([
  'create',
  'write',
  'allocate',
  'makeDirectory',
]);

/** Of those that may, one in so many fails where there are faults; of the journal's, which end the process, fewer. */
const OPERATIONS_PER_FAULT = 150;
const SYNCS_PER_FAULT = 60;
const JOURNAL_OPERATIONS_PER_FAULT = 500;
const MAY_FAIL: ReadonlySet<DiskOperation['kind']> = new Set([
  'create',
  'open',
  'read',
  'write',
  'sync',
  'syncDirectory',
  'truncate',
  'punch',
  'unlink',
]);

export class World {
  readonly #options: WorldOptions;
  readonly #random: Random;
  readonly #disk: MemoryDisk;
  /** The processes that serve by key, where others than the store's do. */
  readonly family: Family | undefined;
  /** What has the store. */
  #process: SimulatedProcess;
  readonly #underWay = new AsyncLocalStorage<UnderWay>();
  readonly lost: LostBytes[] = [];
  readonly faults: unknown[] = [];
  readonly #clock: Clock;
  /** The device failed under the metadata: the process is over. */
  #died = false;
  #broken: unknown;
  /** No later process could know that an entry was lost, and no file system goes on like that. */
  #mustRemount = false;
  /** What holds the metadata, or follows what does. */
  #engine: MemoryEngine;
  #used: Engine;
  /** The state before the last commit. */
  #stateBefore: MemoryState | undefined;
  #extents: LocalExtentStore | undefined;
  readonly #bases = new MemoryBases();
  #journal: ByteJournal | undefined;
  /** A commit on its way into the journal: after a crash it may be there. */
  #onItsWay: { readonly batch: Buffer; readonly follow: () => void } | undefined;
  #core: Core | undefined;
  #volume: Volume | undefined;
  /** Outside of the interleaved part nothing waits. */
  #interleaved = false;
  /** Nothing can be added, but for what the reserve holds. */
  #full = false;
  #reserveHeld = true;
  /** What is replayed may take the reserve. */
  #replaying = false;
  /** When the last commit went into the journal. */
  #wasFull = false;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.#random = options.scheduler.random;
    this.#clock = new Clock(this.#random);
    this.#disk = new MemoryDisk({ ...options.disk, random: this.#random });
    this.#process = new SimulatedProcess(options.scheduler);
    if (options.workers) this.family = this.#newFamily(options.workers);
    this.#engine = this.#newEngine();
    this.#used = this.#engine;
  }

  #newFamily(count: number): Family {
    const { scheduler, journal, plant } = this.#options;
    return new Family({
      scheduler,
      environment: this.#environment,
      count,
      isJournaled: journal !== undefined,
      segmentBytes: SEGMENT_BYTES,
      mount: (process) => this.#mount(process),
      turn: (process) => this.#turn(process),
      committed: () => this.committed,
      onFault: (fault) => this.faults.push(fault),
      ...(plant?.family && { plant: plant.family }),
    });
  }

  /** The disk as a process sees it. */
  #mount(process: SimulatedProcess): Disk {
    return this.#disk.mount({ before: (operation) => this.#before(process, operation) });
  }

  async #before(process: SimulatedProcess, { kind, name }: DiskOperation): Promise<DiskFault | undefined> {
    await this.#turn(process);
    if (this.#fails({ kind, name })) return 'EIO';
    // A journal has its room.
    if (name.endsWith('.journal') || this.#replaying) return undefined;
    return this.#full && TAKES_ROOM.has(kind) ? 'ENOSPC' : undefined;
  }

  #fails({ kind, name }: DiskOperation): boolean {
    if (!this.#options.faults || !this.#interleaved || !MAY_FAIL.has(kind)) return false;
    const isSync = kind === 'sync' || kind === 'syncDirectory';
    const perFault = isSync ? SYNCS_PER_FAULT : OPERATIONS_PER_FAULT;
    const oneIn = name.endsWith('.journal') ? JOURNAL_OPERATIONS_PER_FAULT : perFault;
    const fails = below(this.#random, oneIn) === 0;
    if (!fails || kind !== 'syncDirectory') return fails;
    // Its other processes could not know either.
    if (this.family) return false;
    this.#mustRemount = true;
    return true;
  }

  async #wait(): Promise<undefined> {
    await this.#turn(this.#process);
    return undefined;
  }

  async #turn(process: SimulatedProcess): Promise<void> {
    if (this.#interleaved || process.isOver) await process.pause();
  }

  #newEngine(state?: MemoryState): MemoryEngine {
    return new MemoryEngine({ ...(state && { state }), ...this.#hooks() });
  }

  #hooks() {
    return {
      onYield: () => this.#wait(),
      beforeCommit: () => this.#wait(),
      // The first thing it does is synchronous: the moment of the commit itself.
      afterCommit: () => {
        if (this.#options.lmdbFolder === undefined) this.#committed();
        return this.#wait();
      },
      injectFull: () => this.#full && this.#reserveHeld,
      injectConflict: () => this.#interleaved && below(this.#random, 20) === 0,
    };
  }

  #committed(): void {
    this.#onItsWay = undefined;
    const command = this.#underWay.getStore();
    if (command) {
      command.commits += 1;
      this.#options.onCommit(command);
    }
    this.#stateBefore = this.#engine.snapshot();
    this.family?.gathered();
  }

  async #openEngine(): Promise<Engine> {
    const { lmdbFolder, journal } = this.#options;
    if (journal !== undefined) await this.#openJournaled(journal);
    if (lmdbFolder === undefined) return this.#engine;
    const inner = await openLmdbEngine({ path: lmdbFolder, mapSizeBytes: 1 << 28 });
    return new MirroredEngine(inner, this.#engine, () => this.#committed());
  }

  async #openJournaled(kind: JournalKind): Promise<void> {
    const disk = this.#mount(this.#process);
    const journal = await Journal.open({
      disk: kind === 'unsynced' ? unsynced(disk) : disk,
      randomBytes: (count) => this.#randomBytes(count),
    });
    const bytes = new ByteReplay(disk);
    journal.attach(() => bytes.settle());
    let last: Buffer | undefined;
    const replay = async (record: ReadRecord) => bytes.replay(record);
    const watched = this.#watched(kind === 'not replayed' ? unread(journal) : journal, (batch) => {
      last = batch;
    });
    this.#replaying = true;
    if (this.#full) this.#reserveHeld = false;
    this.#engine = await openJournaledMemoryEngine({
      ...this.#hooks(),
      journal: watched,
      bases: this.#bases,
      replay,
      commitsPerBase: COMMITS_PER_BASE,
    });
    this.#replaying = false;
    this.#journal = leavingOut(journal, kind);
    // The client never heard of it; it is there all the same.
    if (last && this.#onItsWay?.batch.equals(last)) this.#onItsWay.follow();
    this.#onItsWay = undefined;
  }

  /** Notes what goes in, and tells of the batches that come out. */
  #watched(journal: Journal, onBatch: (batch: Buffer) => void): Journal {
    const commit = journal.commit.bind(journal);
    const replay = journal.replay.bind(journal);
    return Object.assign(journal, {
      commit: (record: JournalRecord) => {
        this.#wasFull = this.#full;
        // What comes after a failure is refused, and goes nowhere.
        if (journal.failure !== undefined) return commit(record);
        this.#onItsWay = {
          batch: Buffer.concat(record.payload),
          // As if it were the command that goes on.
          follow: AsyncResource.bind(() => this.#committed()),
        };
        return commit(record);
      },
      replay: async function* () {
        for await (const record of replay()) {
          if (record.kind === RECORD.batch) onBatch(record.payload);
          yield record;
        }
      },
    });
  }

  async start(): Promise<Core> {
    const { plant } = this.#options;
    const environment = this.#environment;
    this.#died = false;
    this.#process = new SimulatedProcess(this.#options.scheduler);
    this.#clock.set();
    const inner = await this.#openEngine();
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
    this.#used = engine;
    const disk = this.#mount(this.#process);
    this.#core = await openCore({
      engine,
      environment,
      commands: new ObservedCommands([engine, environment], this.#underWay),
      openExtents: async (lease) => {
        this.#extents = new LocalExtentStore({
          disk: plant?.disk?.(disk) ?? disk,
          lease,
          segmentBytes: SEGMENT_BYTES,
          ...(this.#journal && { journal: this.#journal }),
          gather: async () => {
            await this.#wait();
          },
        });
        return plant?.extents?.(this.#extents) ?? this.#extents;
      },
      timer: this.#process.timer,
      ...(this.family && {
        running: this.family.running,
        settle: this.family.settle,
        changes: this.family.changes,
      }),
      paceOf: () => ({
        take: async () => {
          await this.#wait();
        },
      }),
      reserve: {
        lengthBytes: 1,
        release: async () => {
          await this.#wait();
          this.#reserveHeld = false;
        },
        restore: async () => {
          await this.#wait();
          this.#reserveHeld ||= !this.#full;
          return this.#reserveHeld;
        },
      },
      onLost: (lost) => this.lost.push(lost),
      onFault: (fault) => this.faults.push(fault),
    });
    if (!this.#volume) {
      await this.#core.accounts.create({ name: 'tester' });
      this.#volume = await this.#core.volumes.create({ name: 'bucket', owner: 'tester' });
    }
    return this.#core;
  }

  readonly #environment = {
    now: () => this.#clock.now(),
    randomBytes: (count: number) => this.#randomBytes(count),
  };

  #randomBytes(count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => below(this.#random, 256)));
  }

  get engine(): Engine {
    return this.#used;
  }

  get extents(): LocalExtentStore {
    if (!this.#extents) throw new Error('the world has not started');
    return this.#extents;
  }

  /** All that is committed. */
  get committed(): MemoryState {
    return this.#engine.snapshot();
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
    this.#interleaved = on;
  }

  /** From now on nothing can be added, or, when false, there is room again. */
  fill(full: boolean): void {
    this.#full = full;
  }

  get mayFill(): boolean {
    return this.#options.fills === true;
  }

  /** Whether the commit of this moment found no room but the reserve's, when the engine began with it. */
  get tookReserve(): boolean {
    return this.#options.journal === undefined ? this.#full : this.#wasFull;
  }

  /** Whether the disk has no room but the reserve's. */
  get isFull(): boolean {
    return this.#full;
  }

  /**
   * The power goes at this very step, or, when it stays, only the process. What was committed is there after the next
   * start, and of the disk what was synced, or all.
   */
  stop(how: { readonly powerStays: boolean }): void {
    const state = this.#engine.snapshot();
    const powerStays = how.powerStays && !this.#mustRemount;
    this.#process.end();
    if (powerStays) {
      this.family?.storeEnded();
    } else {
      this.family?.powerWent();
      this.#disk.crash();
    }
    this.#mustRemount = false;
    this.#interleaved = false;
    if (this.#options.journal === undefined) this.#engine = this.#newEngine(state);
  }

  // ---- what the store has committed, for a model that must not ask it ----

  entry(volume: Volume, parent: InodeId, name: EntryName): InodeId | undefined {
    const stored = this.#engine.snapshot().get(dentryKey(volume.layer, parent, name));
    return stored && decodeDentry(stored).inode;
  }

  volumeNamed(name: string): Volume {
    const stored = this.#engine.snapshot().get(volumeNameKey(name));
    if (!stored) throw new Error(`the store did not make volume ${name}`);
    return this.#volumeOf(volumeId(decodeNumber(stored)));
  }

  #volumeOf(id: VolumeId): Volume {
    const stored = this.#engine.snapshot().get(volumeKey(id));
    if (!stored) throw new Error(`the store has no volume ${id}`);
    return decodeVolume(stored);
  }

  /** Whether the commit of this moment changed a file's bytes. */
  dataChanged({ volume, inode }: FileRef): boolean {
    const key = inodeKey(this.#volumeOf(volume).layer, inode);
    const [before, after] = [this.#stateBefore?.get(key), this.#engine.snapshot().get(key)];
    return !before || !after || decodeInode(before).dataVersion !== decodeInode(after).dataVersion;
  }
}

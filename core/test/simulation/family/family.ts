/**
 * The workers of a world, beside the one process that has its store: as `facet serve --workers` runs them, but for their
 * sockets, their shared memory and LMDB.
 */

import { EngineError, type MemoryState } from '@facet/engine';
import { type Disk, LocalExtentStore, type LocalExtentStoreOptions } from '@facet/extents';
import type { Environment } from '../../../src/commands/command.ts';
import {
  type Answers,
  type Core,
  type Freshness,
  type LookupChanges,
  openWorkerCore,
  StoreAccess,
  type StoreCalls,
  type WorkerCore,
} from '../../../src/index.ts';
import { ownLookupChanges } from '../../../src/lookups/recent.ts';
import { firstOfLeaseKey, instanceOfLeaseKey, SPACE, spaceBounds } from '../../../src/meta/keys.ts';
import type { Replica } from '../../../src/workers/workerCommands.ts';
import { below, pick } from '../../random.ts';
import { writing } from '../actors/surroundings.ts';
import { Broken } from '../invariants.ts';
import type { FamilyPlant } from '../plants/plant.ts';
import { SimulatedProcess } from '../process.ts';
import type { Scheduler } from '../scheduler.ts';
import { LinkEnd, type StoreEnd, type WorkerEnd } from './link.ts';
import { readAtOnce } from './readAtOnce.ts';

const INSTANCE_BYTES = 16;
/** Of commits, one in so many is in LMDB's file at once. */
const COMMITS_PER_SETTLING = 10;
/** Until leases are recovered, when nothing stands in the way. */
const TURNS_MAX = 500;

export interface FamilyParts {
  readonly scheduler: Scheduler;
  readonly environment: Environment;
  readonly count: number;
  /** Small changes are durable in a journal before they are in LMDB's file. */
  readonly isJournaled: boolean;
  readonly extentSizes: Pick<LocalExtentStoreOptions, 'segmentBytes' | 'syncEveryBytes'>;
  /** The disk as a process sees it. */
  readonly mount: (process: SimulatedProcess) => Disk;
  /** What each step of a process waits for. */
  readonly turn: (process: SimulatedProcess) => Promise<void>;
  readonly committed: () => MemoryState;
  readonly onFault: (fault: unknown) => void;
  readonly plant?: FamilyPlant;
}

/** A door, as clients of a world reach it. */
export type Door = Pick<Worker, 'core' | 'process'>;

interface Worker {
  readonly instance: Buffer;
  readonly process: SimulatedProcess;
  readonly access: StoreAccess;
  readonly core: WorkerCore;
  link: WorkerEnd | undefined;
}

interface Store {
  readonly core: Core;
  readonly process: SimulatedProcess;
}

export class Family {
  readonly #parts: FamilyParts;
  readonly changes: LookupChanges = ownLookupChanges();
  /** The two words of shared memory, and what LMDB's file holds; undefined while nobody may read it. */
  #given = 0;
  #settled = 0;
  #file: MemoryState | undefined;
  #workers: readonly Worker[] = [];
  readonly #links = new Map<Worker, StoreEnd>();
  #store: Store | undefined;
  /** Runs that were killed, by instance. */
  readonly #ended = new Set<string>();

  constructor(parts: FamilyParts) {
    this.#parts = parts;
  }

  /** What a store that starts is told of. */
  get running(): readonly Buffer[] {
    return this.#workers.map(({ instance }) => instance);
  }

  /** One of them, for a client. */
  door(): Door {
    return pick(this.#parts.scheduler.random, this.#workers);
  }

  // ---- what readers of other processes see ----

  /** More can be read in the store's process. */
  gathered(): void {
    this.#given += 1;
    const isInFile =
      !this.#parts.isJournaled || below(this.#parts.scheduler.random, COMMITS_PER_SETTLING) === 0;
    // A store that starts has nobody read before it is open.
    if (isInFile && this.#file) this.#settle();
  }

  readonly settle = async (): Promise<void> => {
    if (!this.#store) return;
    await this.#parts.turn(this.#store.process);
    this.#settle();
  };

  #settle(): void {
    this.#file = this.#parts.committed();
    this.#settled = this.#given;
  }

  #freshness(): Freshness {
    const freshness = { given: () => this.#given, settled: () => this.#settled };
    return this.#parts.plant?.freshness?.(freshness) ?? freshness;
  }

  readonly #replica: Replica = {
    warm: () => undefined,
    readAtOnce: (op) => {
      if (!this.#file) throw new EngineError('Closed', 'the store is away, and was read from');
      return readAtOnce(this.#file, op);
    },
    judge: async () => undefined,
  };

  // ---- the store comes and goes ----

  /** The store is open: those who ran on reach it again, and who is missing is started. */
  async opened(core: Core, process: SimulatedProcess): Promise<void> {
    this.#store = { core, process };
    this.#settle();
    for (const worker of this.#workers) this.#connect(worker);
    while (this.#workers.length < this.#parts.count) await this.#start(this.#store);
  }

  /** The store's process is over. Some of what it sent still arrives. */
  storeEnded(): void {
    this.#store = undefined;
    for (const { link } of this.#workers) link?.cut(this.#parts.scheduler.random);
    this.#links.clear();
  }

  /** Before a store starts nobody may have anything of it open. */
  suspend(): void {
    for (const { access, link } of this.#workers) {
      link?.end();
      access.away();
    }
    this.#file = undefined;
  }

  /** The machine is off. */
  powerWent(): void {
    this.suspend();
    this.#store = undefined;
    for (const worker of this.#workers) this.#end(worker);
  }

  // ---- workers come and go ----

  async #start({ core }: Store): Promise<void> {
    const { scheduler, environment, mount, turn, extentSizes } = this.#parts;
    const instance = environment.randomBytes(INSTANCE_BYTES);
    core.workers.expect(instance);
    const process = new SimulatedProcess(scheduler);
    const access = new StoreAccess(process.timer);
    const worker = await openWorkerCore({
      access,
      replica: this.#replica,
      freshness: this.#freshness(),
      changes: this.changes,
      instance,
      environment,
      openExtents: async (lease) =>
        new LocalExtentStore({ disk: mount(process), lease, ...extentSizes, gather: () => turn(process) }),
      timer: process.timer,
      onFault: this.#parts.onFault,
    });
    const started = { instance, process, access, core: worker, link: undefined };
    this.#workers = [...this.#workers, started];
    this.#connect(started);
  }

  #connect(worker: Worker): void {
    const { turn, plant } = this.#parts;
    const { process, access, instance, core } = worker;
    if (!this.#store) return;
    const { core: storeCore, process: storeProcess } = this.#store;
    const link: WorkerEnd = new LinkEnd(() => turn(process));
    const storeEnd: StoreEnd = new LinkEnd(() => turn(storeProcess));
    const answers = storeCore.workers.joined(instance, storeEnd);
    if (!answers) throw new Error('a worker is a stranger to its store');
    const answered = withBytes(plant?.storeAnswers?.(answers) ?? answers);
    storeEnd.connect(link, answered);
    link.connect(storeEnd, plant?.workerAnswers?.(core.answers) ?? core.answers);
    worker.link = link;
    this.#links.set(worker, storeEnd);
    void storeEnd.over.then(() => storeCore.workers.left(instance, storeEnd));
    void link.over.then(() => {
      if (worker.link === link) access.away();
    });
    access.connected(plant?.store?.(link, access) ?? link);
  }

  /** One of them is killed, in the middle of something if any is, and another one takes its place: somebody serves all the while. */
  async kill(): Promise<void> {
    const busy = this.#workers.filter((one) => this.#links.get(one)?.isAsked);
    const worker = pick(this.#parts.scheduler.random, busy.length > 0 ? busy : this.#workers);
    if (this.#store) await this.#start(this.#store);
    this.#end(worker);
  }

  #end(worker: Worker): void {
    worker.process.end();
    this.#ended.add(worker.instance.toString('hex'));
    this.#workers = this.#workers.filter((other) => other !== worker);
    const link = this.#links.get(worker);
    this.#links.delete(worker);
    if (this.#store && link) void this.#tell(this.#store, worker, link);
  }

  /** What it asked for is finished, then it is forgotten. */
  async #tell({ core }: Store, { instance }: Worker, link: StoreEnd): Promise<void> {
    link.cut(this.#parts.scheduler.random);
    if (this.#parts.plant?.endsAtOnce !== true) {
      await link.over;
      await link.answered();
    }
    core.workers.ended(instance);
  }

  /** All of them are killed, and what they left is found. */
  async endAll(): Promise<void> {
    for (const worker of this.#workers) this.#end(worker);
    for (let turns = 0; this.#staleLeases().length > 0; turns += 1) {
      if (turns === TURNS_MAX)
        throw new Broken(
          'leasesEnd',
          `leases of workers that are no more stay: ${this.#staleLeases().join()}`,
        );
      await new Promise(setImmediate);
    }
  }

  /** By their first container. Of the store's own run, none is stale. */
  #staleLeases(): readonly number[] {
    const leases = this.#parts.committed().range({ ...spaceBounds(SPACE.lease), limit: 10_000 });
    return leases
      .filter(({ key }) => this.#ended.has(instanceOfLeaseKey(key).toString('hex')))
      .map(({ key }) => firstOfLeaseKey(key));
  }

  get kills(): number {
    return this.#ended.size;
  }
}

/** Of a small body the process of the store decides under which id it lies: its bytes go with the command. */
function withBytes(answers: Answers<StoreCalls>): Answers<StoreCalls> {
  return {
    ...answers,
    run: (params) => {
      const bytes = looseBytes(params.args);
      return bytes ? writing.run(bytes, () => answers.run(params)) : answers.run(params);
    },
  };
}

function looseBytes(args: unknown): Buffer | undefined {
  if (typeof args !== 'object' || args === null || !('body' in args)) return undefined;
  const { body } = args;
  if (typeof body !== 'object' || body === null || !('bytes' in body)) return undefined;
  return body.bytes instanceof Uint8Array ? Buffer.from(body.bytes) : undefined;
}

/**
 * The other processes of a world, beside the one that has its store: as `facet serve --workers` runs them, but for their
 * sockets, their shared memory and LMDB. Some serve by key, and one may compact and scrub.
 */

import { EngineError, type MemoryState } from '@facet/engine';
import { type Disk, LocalExtentStore, type LocalExtentStoreOptions } from '@facet/extents';
import type { Environment } from '../../../src/commands/command.ts';
import {
  type Answers,
  type Core,
  type Freshness,
  type LookupChanges,
  type MaintenanceCalls,
  type MaintenanceCore,
  openMaintenanceCore,
  openWorkerCore,
  RemoteMaintenance,
  StoreAccess,
  type StoreCalls,
  type WorkerCalls,
  type WorkerCore,
} from '../../../src/index.ts';
import { ownLookupChanges } from '../../../src/lookups/recent.ts';
import { firstOfLeaseKey, instanceOfLeaseKey, SPACE, spaceBounds } from '../../../src/meta/keys.ts';
import type { CompactorCounts } from '../../../src/space/compactor.ts';
import type { Replica } from '../../../src/workers/workerCommands.ts';
import type { WorkerStoreParts } from '../../../src/workers/workerStore.ts';
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
  /** So many serve by key. */
  readonly count: number;
  /** One more compacts and scrubs, which the store's process does not. */
  readonly isMaintained: boolean;
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

/** One run of a process. */
interface Member {
  readonly instance: Buffer;
  readonly process: SimulatedProcess;
  readonly access: StoreAccess;
  readonly answers: Answers<WorkerCalls> & Partial<Answers<MaintenanceCalls>>;
  /** Starts another one in its place. */
  readonly again: (store: Store) => Promise<void>;
  /** The store is away. */
  readonly storeLeft?: () => void;
  link: WorkerEnd | undefined;
}

interface Worker extends Member {
  readonly core: WorkerCore;
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
  #maintainer: Member | undefined;
  readonly #links = new Map<Member, StoreEnd>();
  #store: Store | undefined;
  #maintenance: RemoteMaintenance | undefined;
  /** Of all runs. */
  readonly #compactors: MaintenanceCore['compactor'][] = [];
  /** Runs that are over, by instance. */
  readonly #ended = new Set<string>();
  readonly #kills = { serving: 0, maintaining: 0 };

  constructor(parts: FamilyParts) {
    this.#parts = parts;
  }

  /** What a store that starts is told of. */
  get running(): readonly Buffer[] {
    return this.#members.map(({ instance }) => instance);
  }

  get #members(): readonly Member[] {
    return this.#maintainer ? [...this.#workers, this.#maintainer] : this.#workers;
  }

  /** What a store that starts has its maintenance done by; undefined where it does that itself. */
  renewMaintenance(): RemoteMaintenance | undefined {
    if (this.#parts.isMaintained) this.#maintenance = new RemoteMaintenance();
    return this.#maintenance;
  }

  /** What was compacted so far, by other processes than the store's. */
  get compacted(): Pick<CompactorCounts, 'movedExtents' | 'mergedPieces'> {
    let [movedExtents, mergedPieces] = [0, 0];
    for (const { counts } of this.#compactors) {
      movedExtents += counts.movedExtents;
      mergedPieces += counts.mergedPieces;
    }
    return { movedExtents, mergedPieces };
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
      if (!this.#file) {
        const broken = new EngineError('Closed', 'the store is away, and was read from');
        // Background work ends on it without a word.
        this.#parts.onFault(broken);
        throw broken;
      }
      return readAtOnce(this.#file, op);
    },
    judge: async () => undefined,
  };

  // ---- the store comes and goes ----

  /** The store is open: those who ran on reach it again, and who is missing is started. */
  async opened(core: Core, process: SimulatedProcess): Promise<void> {
    this.#store = { core, process };
    this.#settle();
    for (const member of this.#members) this.#connect(member);
    while (this.#workers.length < this.#parts.count) await this.#startWorker(this.#store);
    if (this.#parts.isMaintained && !this.#maintainer) await this.#startMaintainer(this.#store);
  }

  /** The store's process is over. Some of what it sent still arrives. */
  storeEnded(): void {
    this.#store = undefined;
    for (const { link } of this.#members) link?.cut(this.#parts.scheduler.random);
    this.#links.clear();
  }

  /** Before a store starts nobody may have anything of it open. */
  suspend(): void {
    for (const { access, link, storeLeft } of this.#members) {
      link?.end();
      access.away();
      storeLeft?.();
    }
    this.#file = undefined;
  }

  /** The machine is off. */
  powerWent(): void {
    this.suspend();
    this.#store = undefined;
    for (const member of this.#members) this.#end(member);
  }

  // ---- the others come and go ----

  async #startWorker(store: Store): Promise<void> {
    const { parts, ...run } = this.#begin(store);
    const { environment } = this.#parts;
    const core = await openWorkerCore({ ...parts, changes: this.changes, environment });
    const again = (then: Store) => this.#startWorker(then);
    const worker: Worker = { ...run, core, answers: core.answers, again, link: undefined };
    this.#workers = [...this.#workers, worker];
    this.#connect(worker);
  }

  async #startMaintainer(store: Store): Promise<void> {
    const { parts, ...run } = this.#begin(store);
    const pace = { take: () => this.#parts.turn(run.process) };
    const core: MaintenanceCore = await openMaintenanceCore({
      ...parts,
      roomLeftBytes: 0,
      // Progress is told by the clock of the machine.
      teller: () => undefined,
      paceOf: () => pace,
    });
    this.#compactors.push(core.compactor);
    const again = (then: Store) => this.#startMaintainer(then);
    const { answers, storeLeft } = core;
    this.#maintainer = { ...run, answers, again, storeLeft, link: undefined };
    this.#connect(this.#maintainer);
  }

  /** The store's process hears of it before it has done anything. */
  #begin({ core }: Store): Pick<Member, 'instance' | 'process' | 'access'> & {
    readonly parts: WorkerStoreParts;
  } {
    const { scheduler, environment, mount, turn, extentSizes } = this.#parts;
    const instance = environment.randomBytes(INSTANCE_BYTES);
    core.workers.expect(instance);
    const process = new SimulatedProcess(scheduler);
    const access = new StoreAccess(process.timer);
    const parts: WorkerStoreParts = {
      access,
      replica: this.#replica,
      freshness: this.#freshness(),
      instance,
      openExtents: async (lease) =>
        new LocalExtentStore({ disk: mount(process), lease, ...extentSizes, gather: () => turn(process) }),
      timer: process.timer,
      onFault: this.#parts.onFault,
    };
    return { instance, process, access, parts };
  }

  #connect(member: Member): void {
    const { turn, plant } = this.#parts;
    const { process, access, instance, answers, storeLeft } = member;
    if (!this.#store) return;
    const { core: storeCore, process: storeProcess } = this.#store;
    const link: WorkerEnd = new LinkEnd(() => turn(process));
    const storeEnd: StoreEnd = new LinkEnd(() => turn(storeProcess));
    storeEnd.connect(link);
    link.connect(storeEnd);
    const given = storeCore.workers.joined(instance, storeEnd);
    if (!given) throw new Error('a worker is a stranger to its store');
    storeEnd.serve(withBytes(plant?.storeAnswers?.(given) ?? given));
    link.serve(plant?.workerAnswers?.(answers) ?? answers);
    member.link = link;
    this.#links.set(member, storeEnd);
    const maintenance = member === this.#maintainer ? this.#maintenance : undefined;
    maintenance?.connected(storeEnd);
    void storeEnd.over.then(() => {
      storeCore.workers.left(instance, storeEnd);
      maintenance?.left(storeEnd);
    });
    void link.over.then(() => {
      if (member.link !== link) return;
      access.away();
      storeLeft?.();
    });
    access.connected(plant?.store?.(link, access) ?? link);
  }

  /** One of them is killed, in the middle of something if any is, and another one takes its place: somebody serves all the while. */
  async kill(): Promise<void> {
    const busy = this.#members.filter((one) => this.#links.get(one)?.isAsked);
    const member = pick(this.#parts.scheduler.random, busy.length > 0 ? busy : this.#members);
    this.#kills[member === this.#maintainer ? 'maintaining' : 'serving'] += 1;
    if (this.#store) await member.again(this.#store);
    this.#end(member);
  }

  #end(member: Member): void {
    member.process.end();
    this.#ended.add(member.instance.toString('hex'));
    this.#workers = this.#workers.filter((other) => other !== member);
    if (this.#maintainer === member) this.#maintainer = undefined;
    const link = this.#links.get(member);
    this.#links.delete(member);
    if (this.#store && link) void this.#tell(this.#store, member, link);
  }

  /** What it asked for is finished, then it is forgotten. */
  async #tell({ core }: Store, { instance }: Member, link: StoreEnd): Promise<void> {
    link.cut(this.#parts.scheduler.random);
    if (this.#parts.plant?.endsAtOnce !== true) {
      await link.over;
      await link.answered();
    }
    core.workers.ended(instance);
  }

  /** All of them are killed, and what they left is found. */
  async endAll(): Promise<void> {
    for (const member of this.#members) this.#end(member);
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

  /** While others went on. */
  get kills(): Readonly<Record<'serving' | 'maintaining', number>> {
    return this.#kills;
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

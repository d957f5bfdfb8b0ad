/**
 * One server of several processes: this one starts them, holds the lock for them all, and accepts the connections of S3
 * and NFS. It never touches the store, so that nothing that goes wrong there ends it.
 */

import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { EXIT } from '../../exitCodes.ts';
import { CommandFailure } from '../../failure.ts';
import type { Address } from '../../settings/address.ts';
import type { ServeSettings } from '../../settings/settings.ts';
import type { StoreLock } from '../../store/lock.ts';
import { endsWithin } from '../deadline.ts';
import { listen } from '../listen.ts';
import type { StoreFacts } from '../server.ts';
import { StoreChild, storeIsDamaged, WorkerChild } from './children.ts';
import { Distributor } from './distributor.ts';
import { introduce } from './introduction.ts';
import type { Meeting } from './messages.ts';
import { Restarts } from './restarts.ts';
import { withAddresses } from './sameAddresses.ts';
import type { SharedState } from './sharedState.ts';

/** One that does not say that it let go of the store is not waited for longer. */
const SUSPEND_MS_MAX = 5_000;
const SECRET_BYTES = 32;
/** Of maintenance; those of S3 are 1, 2, … */
const MAINTENANCE_PLACE = 0;
/** A client that keeps a connection busy asks again within that, and is told to leave by the answer. */
const ROLL_IDLE_MS = 3_000;
/** A worker that ends so often before it first serves keeps the server from starting. */
const FIRST_STARTS_MAX = 3;

export interface SupervisorParts {
  readonly settings: ServeSettings;
  readonly lock: StoreLock;
  readonly state: SharedState;
  readonly logger: Logger;
  /** What a process in its last moments has. */
  readonly graceMs: number;
}

export class Supervisor {
  readonly #parts: SupervisorParts;
  readonly #logger: Logger;
  readonly #meeting: Meeting;
  readonly #distributor = new Distributor();
  /** The store's process serves NFS: while it is away, who comes waits. */
  readonly #nfsDistributor = new Distributor();
  #nfsAt: Address | undefined;
  readonly #failed = Promise.withResolvers<CommandFailure>();
  /** By place. */
  readonly #workers = new Map<number, WorkerChild>();
  /** To take the place of one that serves, and not ready yet. */
  readonly #coming = new Map<number, WorkerChild>();
  /** Told to stop, and not gone yet. */
  readonly #leaving = new Set<WorkerChild>();
  #store: StoreChild | undefined;
  /** Resolves when there is a store again. */
  #storeIsThere: Promise<void> = Promise.resolve();
  #facts: StoreFacts | undefined;
  /** Places whose worker has not served yet, of a server that starts. */
  readonly #beginning = new Set<number>();
  /** S3 has its address. */
  #listens = false;
  readonly #stopped = Promise.withResolvers<void>();
  #stopping = false;
  /** There is none, and the next one is started later. */
  #waitsForStore = false;
  /** Why no store comes any more. */
  #broken: CommandFailure | undefined;
  #rolling: Promise<void> | undefined;

  constructor(parts: SupervisorParts) {
    this.#parts = parts;
    this.#logger = parts.logger;
    this.#meeting = {
      address: `facet-${process.pid}-${randomBytes(8).toString('hex')}`,
      secret: randomBytes(SECRET_BYTES).toString('hex'),
    };
  }

  /** Resolves, should it, when no start of the store can mend what is wrong. */
  get failed(): Promise<CommandFailure> {
    return this.#failed.promise;
  }

  /** Resolves when every door is open. @throws CommandFailure; what had been started is ended again */
  async start(): Promise<{ readonly facts: StoreFacts; readonly s3: Address }> {
    try {
      const places = Array.from({ length: this.#parts.settings.workers + 1 }, (_, place) => place);
      // They load what they need while the store opens.
      for (const place of places) this.#beginning.add(place);
      const workers = places.map((place) => this.#fork(place));
      const { nfs } = this.#parts.settings;
      if (nfs !== undefined) {
        this.#nfsAt = await listen({ address: nfs, flag: '--nfs' }, (address) =>
          this.#nfsDistributor.listen(address),
        );
      }
      const facts = await this.#openStore();
      for (const worker of workers) await this.#admitFirst(worker);
      const s3 = await listen(
        {
          address: this.#parts.settings.s3,
          flag: '--s3',
          opened: [
            { address: facts.admin, flag: '--admin' },
            ...(facts.nfs ? [{ address: facts.nfs, flag: '--nfs' } as const] : []),
          ],
        },
        (address) => this.#distributor.listen(address),
      );
      this.#listens = true;
      this.#tellCount();
      return { facts, s3 };
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  async requestsUnderWay(): Promise<number> {
    const counts = await Promise.all(this.#runningWorkers().map((worker) => worker.count()));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** Every process is replaced, one after another; connections that are open finish what is under way. */
  roll(): Promise<void> {
    this.#rolling ??= this.#roll().finally(() => {
      this.#rolling = undefined;
    });
    return this.#rolling;
  }

  /** Finishes what is in flight, and ends every process: the store's as the last one. */
  async stop(): Promise<void> {
    this.#stopping = true;
    const ending = { idleMs: 0, withoutStore: this.#waitsForStore || this.#broken !== undefined };
    this.#stopped.resolve();
    this.#distributor.close();
    this.#nfsDistributor.close();
    this.#store?.closeDoors();
    await Promise.all(this.#runningWorkers().map((worker) => worker.stop(this.#parts.graceMs, ending)));
    await this.#storeIsThere.catch(() => undefined);
    await this.#store?.stop(this.#parts.graceMs);
  }

  // ---- the store ----

  async #openStore(): Promise<StoreFacts> {
    const { settings, state, lock, graceMs } = this.#parts;
    const store = new StoreChild([lock.fd, state.fd]);
    this.#store = store;
    const nfsAt = this.#nfsAt;
    const facts = await store.start({
      // Whoever was told where the doors are finds them there again.
      settings: this.#facts ? withAddresses(settings, this.#facts) : settings,
      meeting: this.#meeting,
      graceMs,
      running: this.#runningWorkers()
        .filter(({ isAdmitted }) => isAdmitted)
        .map(({ instance, role }) => ({ instance, role })),
      ...(nfsAt && { nfsAt }),
    });
    this.#facts = facts;
    this.#nfsDistributor.takers = [store];
    void store.ended.then(({ code, signal }) => {
      this.#nfsDistributor.takers = [];
      if (this.#store !== store || this.#stopping || store.isToldToStop) return;
      if (code === EXIT.damage) {
        this.#giveUp(storeIsDamaged());
        return;
      }
      this.#logger.error({ code, signal }, 'the process of the store ended, and is started again');
      this.#storeIsThere = this.#reopenStore(store.ranMs);
    });
    return facts;
  }

  readonly #storeRestarts = new Restarts();

  /** With the workers' hands off the store meanwhile: see LmdbReplica. */
  async #reopenStore(ranMs: number): Promise<void> {
    await Promise.all(this.#runningWorkers().map((worker) => this.#suspend(worker)));
    let wait = this.#storeRestarts.delayAfter(ranMs);
    while (!this.#stopping) {
      if (wait > 0)
        this.#logger.warn(
          { waitMs: wait },
          'the process of the store ended too soon: it is started again later',
        );
      this.#waitsForStore = true;
      await endsWithin(wait, this.#stopped.promise);
      if (this.#stopping) return;
      this.#waitsForStore = false;
      try {
        await this.#openStore();
        // Others have not begun: they find it there.
        for (const worker of this.#runningWorkers()) if (worker.isAdmitted) worker.resume();
        this.#tellCount();
        return;
      } catch (error) {
        const happened =
          error instanceof CommandFailure
            ? 'the store could not be opened again'
            : 'the process of the store ended before it served, and is started again';
        this.#logger.error({ err: error }, happened);
        if (error instanceof CommandFailure && error.exitCode === EXIT.damage) {
          this.#giveUp(error);
          return;
        }
        wait = this.#storeRestarts.delayAfter(0);
      }
    }
  }

  #giveUp(error: CommandFailure): void {
    this.#broken = error;
    this.#failed.resolve(error);
  }

  async #suspend(worker: WorkerChild): Promise<void> {
    if (!worker.isAdmitted || worker.isOver) return;
    if (await endsWithin(SUSPEND_MS_MAX, worker.suspend()).catch(() => true)) return;
    this.#logger.error({ process: worker.name }, 'a worker does not let go of the store, and is ended');
    worker.kill();
    await worker.ended;
  }

  // ---- the workers ----

  #fork(place: number): WorkerChild {
    const worker = this.#spawn(place);
    this.#workers.set(place, worker);
    return worker;
  }

  #spawn(place: number): WorkerChild {
    const role = place === MAINTENANCE_PLACE ? 'maintenance' : 's3';
    const inherited = [this.#parts.lock.fd, this.#parts.state.fd];
    const worker = new WorkerChild({ role, place, inherited });
    void worker.ended.then((ending) => this.#ended(worker, ending));
    return worker;
  }

  readonly #workerRestarts = new Map<number, Restarts>();

  /** Has it, or who takes its place, serve while the server starts. @throws CommandFailure */
  async #admitFirst(first: WorkerChild): Promise<void> {
    const { place, name } = first;
    for (let [worker, starts] = [first, 1]; ; starts += 1) {
      try {
        await this.#admit(worker);
        this.#beginning.delete(place);
        return;
      } catch (error) {
        if (this.#broken !== undefined) throw this.#broken;
        if (error instanceof CommandFailure || !worker.isOver) throw error;
      }
      const { code, signal } = await worker.ended;
      const ending = signal === null ? `exit code ${code}` : signal;
      if (starts === FIRST_STARTS_MAX)
        throw new CommandFailure({
          exitCode: EXIT.failed,
          code: 'Failed',
          message: `the process ${name} ended ${starts} times before it served (the last time by ${ending})`,
        });
      this.#logger.error(
        { process: name, code, signal },
        'a worker ended before it served: another is started',
      );
      worker = this.#fork(place);
    }
  }

  /** Has it serve. @throws CommandFailure when it can not */
  async #admit(worker: WorkerChild): Promise<void> {
    const { settings, graceMs } = this.#parts;
    await introduce(worker, {
      storeIsThere: () => this.#storeIsThere,
      store: () => (this.#stopping ? undefined : this.#store),
    });
    worker.isAdmitted = true;
    await worker.start({ settings, meeting: this.#meeting, graceMs });
    worker.serves = true;
    this.#distribute();
  }

  #distribute(): void {
    this.#distributor.takers = this.#serving();
    this.#tellCount();
  }

  /** Each of them may have the store open, and containers leased. */
  #runningWorkers(): readonly WorkerChild[] {
    const all = [...this.#workers.values(), ...this.#coming.values(), ...this.#leaving];
    return all.filter(({ isOver }) => !isOver);
  }

  #serving(): readonly WorkerChild[] {
    return [...this.#workers.values()].filter(({ role, serves }) => role === 's3' && serves);
  }

  #tellCount(): void {
    this.#store?.workersServe(this.#listens ? this.#serving().length : 0);
  }

  #ended(
    worker: WorkerChild,
    ending: { readonly code: number | null; readonly signal: NodeJS.Signals | null },
  ): void {
    worker.serves = false;
    this.#leaving.delete(worker);
    this.#store?.workerEnded(worker.instance);
    if (this.#workers.get(worker.place) !== worker) return;
    this.#workers.delete(worker.place);
    this.#distribute();
    if (this.#stopping || this.#beginning.has(worker.place)) return;
    const restarts = this.#workerRestarts.get(worker.place) ?? new Restarts();
    this.#workerRestarts.set(worker.place, restarts);
    const waitMs = restarts.delayAfter(worker.ranMs);
    this.#logger.error(
      { process: worker.name, ...ending, ...(waitMs > 0 && { waitMs }) },
      waitMs > 0
        ? 'a worker ends again and again: it is started again later'
        : 'a worker ended, and is started again',
    );
    setTimeout(() => this.#replace(worker.place), waitMs).unref();
  }

  #replace(place: number): void {
    if (this.#stopping || this.#workers.has(place) || this.#coming.has(place)) return;
    const worker = this.#fork(place);
    this.#admit(worker).catch((error: unknown) => {
      // Of one that ended the log has told, and another is on its way.
      if (worker.isOver) return;
      this.#logger.error({ err: error }, 'a worker could not be started');
      worker.kill();
    });
  }

  // ---- a rolling restart ----

  async #roll(): Promise<void> {
    for (const old of [...this.#workers.values()]) {
      if (this.#stopping) return;
      // One that ended meanwhile has a successor already, or gets one.
      if (this.#workers.get(old.place) === old) await this.#rollWorker(old);
    }
    const store = await this.#steadyStore();
    if (this.#stopping || store === undefined) return;
    this.#storeIsThere = this.#rollStore(store);
    await this.#storeIsThere;
  }

  async #rollWorker(old: WorkerChild): Promise<void> {
    const { place } = old;
    const worker = this.#spawn(place);
    this.#coming.set(place, worker);
    try {
      await this.#admit(worker);
    } catch (error) {
      worker.kill();
      await worker.ended;
      this.#coming.delete(place);
      // The old one serves on, unless it ended meanwhile.
      this.#replace(place);
      throw error;
    }
    this.#coming.delete(place);
    this.#workers.set(place, worker);
    if (!old.isOver) this.#leaving.add(old);
    old.serves = false;
    this.#distribute();
    await old.stop(this.#parts.graceMs, { idleMs: ROLL_IDLE_MS, withoutStore: false });
  }

  /** The store, when it is not just being started again: two of them must never be. */
  async #steadyStore(): Promise<StoreChild | undefined> {
    for (;;) {
      const isThere = this.#storeIsThere;
      await isThere;
      if (isThere === this.#storeIsThere) return this.#store;
    }
  }

  async #rollStore(store: StoreChild): Promise<void> {
    store.isToldToStop = true;
    this.#nfsDistributor.takers = [];
    await Promise.all(this.#runningWorkers().map((worker) => this.#suspend(worker)));
    await store.stop(this.#parts.graceMs);
    // One that ran for long: what follows is no loop.
    await this.#reopenStore(Number.POSITIVE_INFINITY);
  }
}

/** The workers, each in a place of its own: one that ends is followed by another. */

import { CommandFailure } from '../../../failure.ts';
import type { Address } from '../../../settings/address.ts';
import { endsWithin } from '../../deadline.ts';
import { type Door, listen } from '../../listen.ts';
import type { Run } from '../protocol/messages.ts';
import { Distributor, type Taker } from './distributor.ts';
import type { FamilyParts } from './familyParts.ts';
import { endedTooOften, FIRST_STARTS_MAX, Restarts } from './restarts.ts';
import { ROLL_IDLE_MS } from './rolling.ts';
import type { StorePlace, StoreReaders } from './storePlace.ts';
import type { Ending } from './subprocess.ts';
import { WorkerChild } from './workerChild.ts';

/** One that does not say that it let go of the store is not waited for longer, besides what is under way there. */
const SUSPEND_MS_MAX = 5_000;
/** Of maintenance; those of S3 are 1, 2, … */
const MAINTENANCE_PLACE = 0;

export class WorkerPlaces implements StoreReaders {
  readonly #parts: FamilyParts;
  readonly #store: StorePlace;
  readonly #distributor = new Distributor();
  /** By place. */
  readonly #workers = new Map<number, WorkerChild>();
  /** To take the place of one that serves, and not ready yet. */
  readonly #coming = new Map<number, WorkerChild>();
  /** Under way, by place. */
  readonly #superseding = new Map<number, Promise<void>>();
  /** Told to stop, and not gone yet. */
  readonly #leaving = new Set<WorkerChild>();
  /** Places whose worker has not served yet, of a server that starts. */
  readonly #beginning = new Set<number>();
  readonly #restarts = new Map<number, Restarts>();
  /** The process of the store, where and while it serves S3, too. */
  #storeTaker: Taker | undefined;
  /** S3 has its address. */
  #listens = false;
  #stopping = false;

  constructor(parts: FamilyParts, store: StorePlace) {
    this.#parts = parts;
    this.#store = store;
  }

  /** Starts one in each place. They load what they need while the store opens. */
  fork(): readonly WorkerChild[] {
    const places = Array.from({ length: this.#parts.settings.workers + 1 }, (_, place) => place);
    for (const place of places) this.#beginning.add(place);
    return places.map((place) => this.#fork(place));
  }

  /** Has them, or who takes their places, serve. To be called when the store is open. @throws CommandFailure */
  async admit(workers: readonly WorkerChild[]): Promise<void> {
    for (const worker of workers) await this.#admitFirst(worker);
  }

  /** @param opened doors that are open already @throws CommandFailure */
  async listen(opened: readonly Door[]): Promise<Address> {
    const address = await listen({ address: this.#parts.settings.s3, flag: '--s3', opened }, (bound) =>
      this.#distributor.listen(bound),
    );
    this.#listens = true;
    this.#tellCount();
    return address;
  }

  async requestsUnderWay(): Promise<number> {
    const counts = await Promise.all(this.#running().map((worker) => worker.count()));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  get admitted(): readonly Run[] {
    return this.#running().filter(({ isAdmitted }) => isAdmitted);
  }

  async suspend(underWayMs: number): Promise<void> {
    await Promise.all(this.#running().map((worker) => this.#suspend(worker, underWayMs)));
  }

  storeTakes(taker: Taker | undefined): void {
    this.#storeTaker = taker;
    this.#distribute();
  }

  resume(): void {
    // Others have not begun: they find it there.
    for (const worker of this.#running()) if (worker.isAdmitted) worker.resume();
    this.#tellCount();
  }

  /** Each is replaced, one after another; connections that are open finish what is under way. */
  async replace(): Promise<void> {
    for (const [place, old] of [...this.#workers]) {
      const underWay = this.#superseding.get(place);
      await underWay?.catch(() => undefined);
      if (this.#stopping) return;
      const worker = this.#workers.get(place);
      // One that ended meanwhile has a successor already, or gets one.
      if (worker && (worker === old || underWay !== undefined)) await this.#supersede(worker);
    }
  }

  /** Finishes what is in flight, and ends them all. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#distributor.close();
    const ending = { idleMs: 0, withoutStore: this.#store.isAway };
    await Promise.all(this.#running().map((worker) => worker.stop(this.#parts.graceMs, ending)));
  }

  #fork(place: number): WorkerChild {
    const worker = this.#spawn(place);
    this.#workers.set(place, worker);
    return worker;
  }

  #spawn(place: number): WorkerChild {
    const role = place === MAINTENANCE_PLACE ? 'maintenance' : 's3';
    const inherited = [this.#parts.lock.fd, this.#parts.state.fd];
    const worker = new WorkerChild({ role, place, inherited, seats: this.#parts.seats });
    void worker.ended.then((ending) => this.#ended(worker, ending));
    this.#hearSpent(worker);
    return worker;
  }

  /** Has it, or who takes its place, serve while the server starts. @throws CommandFailure */
  async #admitFirst(first: WorkerChild): Promise<void> {
    const { place, name } = first;
    for (let [worker, starts] = [first, 1]; ; starts += 1) {
      try {
        await this.#admit(worker);
        this.#beginning.delete(place);
        return;
      } catch (error) {
        if (this.#store.broken !== undefined) throw this.#store.broken;
        if (error instanceof CommandFailure || !worker.isOver) throw error;
      }
      const ending = await worker.ended;
      if (starts === FIRST_STARTS_MAX) throw endedTooOften(name, starts, ending);
      this.#parts.logger.error(
        { process: name, ...ending },
        'a worker ended before it served: another is started',
      );
      worker = this.#fork(place);
    }
  }

  /** Has it serve. @throws CommandFailure when it can not */
  async #admit(worker: WorkerChild): Promise<void> {
    const { settings, meeting, graceMs, served } = this.#parts;
    await this.#store.introduce(worker);
    worker.isAdmitted = true;
    await worker.start({ settings, meeting, graceMs, ...(worker.role === 's3' && served()) });
    worker.serves = true;
    this.#distribute();
  }

  #distribute(): void {
    this.#distributor.takers = this.#takers();
    this.#tellCount();
  }

  /** Each of them may have the store open, and containers leased. */
  #running(): readonly WorkerChild[] {
    const all = [...this.#workers.values(), ...this.#coming.values(), ...this.#leaving];
    return all.filter(({ isOver }) => !isOver);
  }

  /** The store's comes first: it alone serves a client of one connection with nothing between. */
  #takers(): readonly Taker[] {
    const workers = [...this.#workers.values()].filter(({ role, serves }) => role === 's3' && serves);
    return this.#storeTaker ? [this.#storeTaker, ...workers] : workers;
  }

  #tellCount(): void {
    this.#store.workersServe(this.#listens ? this.#takers().length : 0);
  }

  async #suspend(worker: WorkerChild, underWayMs: number): Promise<void> {
    if (!worker.isAdmitted || worker.isOver) return;
    if (await endsWithin(SUSPEND_MS_MAX + underWayMs, worker.suspend()).catch(() => true)) return;
    this.#parts.logger.error({ process: worker.name }, 'a worker does not let go of the store, and is ended');
    worker.kill();
    await worker.ended;
  }

  #ended(worker: WorkerChild, ending: Ending): void {
    const { place, name } = worker;
    worker.serves = false;
    this.#leaving.delete(worker);
    this.#store.workerEnded(worker.instance);
    if (this.#workers.get(place) !== worker) return;
    this.#workers.delete(place);
    this.#distribute();
    if (this.#stopping || this.#beginning.has(place)) return;
    const waitMs = this.#fillLater(place, worker.ranMs);
    this.#parts.logger.error(
      { process: name, ...ending, ...(waitMs > 0 && { waitMs }) },
      waitMs > 0
        ? 'a worker ends again and again: it is started again later'
        : 'a worker ended, and is started again',
    );
  }

  /** @param ranMs how long the last one ran @returns when */
  #fillLater(place: number, ranMs: number): number {
    return this.#later(place, ranMs, () => this.#fill(place));
  }

  #later(place: number, ranMs: number, work: () => void): number {
    const restarts = this.#restarts.get(place) ?? new Restarts();
    this.#restarts.set(place, restarts);
    const waitMs = restarts.delayAfter(ranMs);
    setTimeout(work, waitMs).unref();
    return waitMs;
  }

  /** It says so each time that the store is back. */
  #hearSpent(worker: WorkerChild): void {
    worker.spent.then(
      () => {
        this.#hearSpent(worker);
        this.#spent(worker);
      },
      () => undefined,
    );
  }

  /** Its recovery is to find what nobody knows of. */
  #spent(worker: WorkerChild): void {
    const { place, name } = worker;
    if (this.#stopping || this.#workers.get(place) !== worker || this.#superseding.has(place)) return;
    const { logger } = this.#parts;
    logger.info({ process: name }, 'a worker lost an answer of the store, and is replaced');
    this.#supersede(worker).catch((err: unknown) => {
      const waitMs = this.#later(place, 0, () => this.#spent(worker));
      logger.error({ err, waitMs }, 'a worker could not be replaced: it is tried again');
    });
  }

  /** Starts one in a place where none is. */
  #fill(place: number): void {
    if (this.#stopping || this.#workers.has(place) || this.#coming.has(place)) return;
    let worker: WorkerChild;
    try {
      worker = this.#fork(place);
    } catch (err) {
      const waitMs = this.#fillLater(place, 0);
      this.#parts.logger.error({ err, waitMs }, 'a worker could not be started: it is tried again');
      return;
    }
    this.#admit(worker).catch((error: unknown) => {
      // Of one that ended the log has told, and another is on its way.
      if (worker.isOver) return;
      this.#parts.logger.error({ err: error }, 'a worker could not be started');
      worker.kill();
    });
  }

  /** Has another take its place, which it keeps until that one serves. One at a time in a place. */
  #supersede(old: WorkerChild): Promise<void> {
    const { place } = old;
    const superseding = this.#takeOver(old).finally(() => this.#superseding.delete(place));
    this.#superseding.set(place, superseding);
    return superseding;
  }

  async #takeOver(old: WorkerChild): Promise<void> {
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
      this.#fill(place);
      throw error;
    }
    this.#coming.delete(place);
    this.#workers.set(place, worker);
    if (!old.isOver) this.#leaving.add(old);
    old.serves = false;
    this.#distribute();
    await old.stop(this.#parts.graceMs, { idleMs: ROLL_IDLE_MS, withoutStore: false });
  }
}

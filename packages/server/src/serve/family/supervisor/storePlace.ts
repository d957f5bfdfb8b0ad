/** The process of the store, whichever it is: one that ends is followed by another, and there are never two of them. */

import { EXIT } from '../../../exitCodes.ts';
import { CommandFailure } from '../../../failure.ts';
import { endsWithin } from '../../deadline.ts';
import type { StoreFacts } from '../../server.ts';
import type { Run } from '../protocol/messages.ts';
import { storeServesS3 } from '../protocol/sharing.ts';
import type { Taker } from './distributor.ts';
import type { FamilyParts } from './familyParts.ts';
import { introduce } from './introduction.ts';
import { endedTooOften, FIRST_STARTS_MAX, Restarts } from './restarts.ts';
import { ROLL_IDLE_MS } from './rolling.ts';
import { StoreChild, storeIsDamaged } from './storeChild.ts';
import { StoreDoors } from './storeDoors.ts';
import type { WorkerChild } from './workerChild.ts';

/** The workers, as the store's process needs them: each reads the store by itself. */
/** A process that is to cut off what takes too long has so much more to say that it did. */
const DRAIN_SLACK_MS = 1_000;

export interface StoreReaders {
  /** Those of whom a process of the store was told. */
  readonly admitted: readonly Run[];
  /** Resolves when none of them has the store open. @param underWayMs what they asked of it, while it is there, has so long */
  suspend(underWayMs: number): Promise<void>;
  /** It is there again. */
  resume(): void;
  /** Who takes connections of S3 in the process of the store, where a single worker shares them; undefined: it takes none. */
  storeTakes(taker: Taker | undefined): void;
}

export class StorePlace {
  readonly #parts: FamilyParts;
  readonly #readers: () => StoreReaders;
  readonly #doors = new StoreDoors();
  #child: StoreChild | undefined;
  /** Resolves when there is one again. */
  #isThere: Promise<void> = Promise.resolve();
  /** There is none, and the next one is started later. */
  #waits = false;
  readonly #restarts = new Restarts();
  /** Why none comes any more. */
  #broken: CommandFailure | undefined;
  readonly #failed = Promise.withResolvers<CommandFailure>();
  readonly #stopped = Promise.withResolvers<void>();
  #stopping = false;

  constructor(parts: FamilyParts, readers: () => StoreReaders) {
    this.#parts = parts;
    this.#readers = readers;
  }

  /** Why none comes any more: no start of it can mend what is wrong. */
  get broken(): CommandFailure | undefined {
    return this.#broken;
  }

  /** Resolves, should it, when it is broken. */
  get failed(): Promise<CommandFailure> {
    return this.#failed.promise;
  }

  /** There is none, and a server that stops now gets none any more. */
  get isAway(): boolean {
    return this.#waits || this.#broken !== undefined;
  }

  /** Where its doors are to be, the supervisor listens. @throws CommandFailure */
  listen(): Promise<void> {
    return this.#doors.listen(this.#parts.settings);
  }

  /** Starts one, and others should it end before it serves. Resolves when the store is open. @throws CommandFailure */
  async openFirst(): Promise<StoreFacts> {
    for (let starts = 1; ; starts += 1) {
      try {
        return await this.#open();
      } catch (error) {
        const ending = error instanceof CommandFailure ? undefined : await this.#child?.ended;
        if (ending === undefined) throw error;
        if (starts === FIRST_STARTS_MAX) throw endedTooOften('store', starts, ending);
        this.#parts.logger.error(
          ending,
          'the process of the store ended before it served: another is started',
        );
      }
    }
  }

  async #open(): Promise<StoreFacts> {
    const { settings, state, seats, lock, meeting, graceMs, served } = this.#parts;
    const sharesS3 = storeServesS3(settings);
    const child = new StoreChild({ inherited: [lock.fd, state.fd], seats });
    this.#child = child;
    void child.ended.then(() => {
      this.#doors.away();
      this.#readers().storeTakes(undefined);
    });
    const running = this.#readers().admitted.map(({ instance, role }) => ({ instance, role }));
    const facts = await child.start(
      {
        settings,
        meeting,
        graceMs,
        running,
        acceptedAt: this.#doors.acceptedAt,
        ...(sharesS3 && served()),
      },
      () => this.#doors.live(child),
    );
    this.#doors.serving(child);
    if (sharesS3) this.#readers().storeTakes(child.takerOfS3());
    void child.ended.then(({ code, signal }) => {
      if (this.#child !== child || this.#stopping || child.isToldToStop) return;
      if (code === EXIT.damage) {
        this.#giveUp(storeIsDamaged());
        return;
      }
      const { lock, logger } = this.#parts;
      // Somebody's wish, and not of what it met: no page of the metadata need be looked at while all wait.
      if (signal === 'SIGKILL') lock.noteStore('closed');
      logger.error({ code, signal }, 'the process of the store ended, and is started again');
      this.#isThere = this.#reopen(child.ranMs);
    });
    return facts;
  }

  /** Has it know of a worker that is about to read. @throws when none is there any more, or the worker ended */
  introduce(worker: WorkerChild): Promise<void> {
    return introduce(worker, {
      storeIsThere: () => this.#isThere,
      store: () => (this.#stopping ? undefined : this.#child),
    });
  }

  workerEnded(instance: string): void {
    this.#child?.workerEnded(instance);
  }

  workersServe(count: number): void {
    this.#child?.workersServe(count);
  }

  /** Another takes its place. */
  async replace(): Promise<void> {
    const child = await this.#steady();
    if (this.#stopping || child === undefined) return;
    await this.#drain(child);
    // One that ended meanwhile is followed already.
    if ((await this.#steady()) !== child || this.#stopping) return;
    this.#isThere = this.#replace(child);
    await this.#isThere;
  }

  /** Of S3, in its process. */
  async requestsUnderWay(): Promise<number> {
    return (await this.#child?.count()) ?? 0;
  }

  /** Nothing new is taken any more, and none is started; what is in flight goes on. */
  closeDoors(): void {
    this.#stopping = true;
    this.#stopped.resolve();
    this.#doors.closeToData();
    this.#readers().storeTakes(undefined);
    this.#child?.closeDoors();
  }

  /** To be called when its doors are closed and no worker is left. */
  async stop(): Promise<void> {
    await this.#isThere.catch(() => undefined);
    await this.#child?.stop(this.#parts.graceMs);
    this.#doors.close();
  }

  /** With the workers' hands off the store meanwhile: see LmdbReplica. */
  async #reopen(ranMs: number): Promise<void> {
    const { logger } = this.#parts;
    await this.#readers().suspend(0);
    let wait = this.#restarts.delayAfter(ranMs);
    while (!this.#stopping) {
      if (wait > 0)
        logger.warn({ waitMs: wait }, 'the process of the store ended too soon: it is started again later');
      this.#waits = true;
      await endsWithin(wait, this.#stopped.promise);
      if (this.#stopping) return;
      this.#waits = false;
      try {
        await this.#open();
        this.#readers().resume();
        return;
      } catch (error) {
        const happened =
          error instanceof CommandFailure
            ? 'the store could not be opened again'
            : 'the process of the store ended before it served, and is started again';
        logger.error({ err: error }, happened);
        await this.#child?.end();
        if (error instanceof CommandFailure && error.exitCode === EXIT.damage) {
          this.#giveUp(error);
          return;
        }
        wait = this.#restarts.delayAfter(0);
      }
    }
  }

  #giveUp(error: CommandFailure): void {
    this.#broken = error;
    this.#failed.resolve(error);
  }

  /** The one there is, when it is not just being started again: two of them must never be. */
  async #steady(): Promise<StoreChild | undefined> {
    for (;;) {
      const isThere = this.#isThere;
      await isThere;
      if (isThere === this.#isThere) return this.#child;
    }
  }

  /** All else goes on meanwhile. */
  async #drain(child: StoreChild): Promise<void> {
    const { settings, graceMs } = this.#parts;
    if (!storeServesS3(settings)) return;
    this.#readers().storeTakes(undefined);
    const drained = child.drain(ROLL_IDLE_MS).catch(() => undefined);
    await endsWithin(ROLL_IDLE_MS + graceMs + DRAIN_SLACK_MS, drained);
  }

  async #replace(child: StoreChild): Promise<void> {
    child.isToldToStop = true;
    this.#doors.away();
    await this.#readers().suspend(this.#parts.graceMs);
    await child.stop(this.#parts.graceMs);
    // One that ran for long: what follows is no loop.
    await this.#reopen(Number.POSITIVE_INFINITY);
  }
}

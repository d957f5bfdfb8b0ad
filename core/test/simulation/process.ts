import { interrupted } from '../../src/index.ts';
import type { Timer } from '../../src/space/timer.ts';
import type { Scheduler } from './scheduler.ts';

/** One process of a world. When it is over, nothing of it goes on: what it waited for never comes. */
export class SimulatedProcess {
  readonly #scheduler: Scheduler;
  readonly #over = Promise.withResolvers<never>();
  readonly timer: Timer;
  #isOver = false;

  constructor(scheduler: Scheduler) {
    this.#scheduler = scheduler;
    this.timer = scheduler.timer(this);
    // Unless it has clients, nobody hears of it.
    this.#over.promise.catch(() => undefined);
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  readonly pause = (): Promise<void> =>
    this.#isOver ? new Promise(() => undefined) : this.#scheduler.pause(this);

  /** It is killed, at this very step. */
  end(): void {
    this.#isOver = true;
    this.#scheduler.forget(this);
    this.#over.reject(interrupted());
  }

  /** What is done for a client that hears when it is over. @throws FsError Interrupted */
  serve<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#over.promise]);
  }
}

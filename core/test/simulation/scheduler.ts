/**
 * One seed is one world: every step that could happen in another order waits here, and the seed says who goes on.
 * Nothing else decides an order: no timer, no thread, no clock.
 */

import { setImmediate } from 'node:timers/promises';
import type { Timer } from '../../src/space/timer.ts';
import { below, type Random } from '../random.ts';
import type { History } from './history.ts';

/** So long a delay bounds what should not take long: that it is over first is seldom so. */
const PATIENCE_MS = 5_000;
const TURNS_PER_LOSS = 40;

interface Waiting {
  readonly resume: () => void;
  /** What ends with it. */
  readonly of: object;
}

export class Scheduler {
  readonly random: Random;
  readonly history: History;
  #waiting: Waiting[] = [];
  #steps = 0;

  constructor(random: Random, history: History) {
    this.random = random;
    this.history = history;
  }

  get steps(): number {
    return this.#steps;
  }

  /** Nobody waits. */
  get isIdle(): boolean {
    return this.#waiting.length === 0;
  }

  /** Waits to be chosen, unless `of` is over by then. */
  pause(of: object): Promise<void> {
    return new Promise((resume) => {
      this.#waiting.push({ resume, of });
    });
  }

  /** A timer of this world goes off at any time after now, whatever its delay; who is patient seldom waits in vain. */
  timer(of: object): Timer {
    return {
      after: (delayMs, run) => {
        const resume = () => {
          const isPatient = delayMs >= PATIENCE_MS && below(this.random, TURNS_PER_LOSS) > 0;
          if (isPatient) this.#waiting.push(waiting);
          else run();
        };
        const waiting = { resume, of };
        this.#waiting.push(waiting);
        return {
          cancel: () => {
            this.#waiting = this.#waiting.filter((one) => one !== waiting);
          },
        };
      },
    };
  }

  /** Lets one after the other go on, until `done` says so. */
  async run(done: () => boolean): Promise<void> {
    for (;;) {
      await setImmediate();
      if (done()) return;
      const chosen = below(this.random, this.#waiting.length);
      this.history.note(`${chosen} of ${this.#waiting.length}`);
      const next = this.#waiting[chosen];
      if (!next) throw new Error('everything waits for something that is not in this world');
      const last = this.#waiting.pop();
      if (last && last !== next) this.#waiting[chosen] = last;
      this.#steps += 1;
      next.resume();
    }
  }

  /** It is over: who waits for it waits for ever. */
  forget(of: object): void {
    this.#waiting = this.#waiting.filter((waiting) => waiting.of !== of);
  }
}

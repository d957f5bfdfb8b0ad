/**
 * One seed is one world: every step that could happen in another order waits here, and the seed says who goes on.
 * Nothing else decides an order: no timer, no thread, no clock.
 */

import { setImmediate } from 'node:timers/promises';
import type { Timer } from '../../src/space/timer.ts';
import { below, type Random } from '../random.ts';

interface Waiting {
  readonly resume: () => void;
  /** What ends with it. */
  readonly of: object;
}

export class Scheduler {
  readonly random: Random;
  #waiting: Waiting[] = [];
  #steps = 0;

  constructor(random: Random) {
    this.random = random;
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

  /** A timer of this world goes off at any time after now, whatever its delay. */
  timer(of: object): Timer {
    return {
      after: (_delayMs, run) => {
        let cancelled = false;
        const resume = () => {
          if (!cancelled) run();
        };
        this.#waiting.push({ resume, of });
        return {
          cancel: () => {
            cancelled = true;
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

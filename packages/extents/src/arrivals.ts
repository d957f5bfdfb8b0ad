/**
 * What the page cache did not hold a moment ago. Linux begins to read what preadv2(2) with RWF_NOWAIT did not find, and lets go of
 * the caller (page_cache_sync_ra in filemap_get_pages, mm/filemap.c): what a quick device gives is there before a worker
 * thread had been told, had read and had told of it. So it is asked for again, once a turn of the event loop.
 *
 * Where that hardly ever helps, another kernel or a slower device, it is not done but now and then.
 */

import { setImmediate } from 'node:timers/promises';

/** Then a worker thread reads it. Turns of an idle event loop keep a core busy meanwhile. */
const WAITED_MS_MAX = 1;
/** Of those that were waited for. */
const ARRIVED_SHARE_MIN = 1 / 2;
const SMOOTHING = 1 / 8;
/** One in so many is waited for, where few arrive. */
const TRIED_EVERY = 64;

/** What it goes by. */
export interface ArrivalSenses {
  /** Milliseconds. */
  readonly now: () => number;
  /** Resolves when all that is due has had its turn. */
  readonly turn: () => Promise<unknown>;
}

const SENSES: ArrivalSenses = { now: () => performance.now(), turn: () => setImmediate() };

export class Arrivals {
  readonly #senses: ArrivalSenses;
  #arrivedShare = 1;
  #notTried = 0;

  /** @param senses the machine's unless told */
  constructor(senses: ArrivalSenses = SENSES) {
    this.#senses = senses;
  }

  /**
   * To be called when `read` has found nothing.
   * @param read a read without waiting @returns what it gives as soon as that is not 0; or 0, when it is not worth more
   */
  async next(read: () => number): Promise<number> {
    if (!this.#isTried()) return 0;
    const { now, turn } = this.#senses;
    const until = now() + WAITED_MS_MAX;
    let count = 0;
    do {
      await turn();
      count = read();
    } while (count === 0 && now() < until);
    this.#arrivedShare += ((count > 0 ? 1 : 0) - this.#arrivedShare) * SMOOTHING;
    return count;
  }

  #isTried(): boolean {
    if (this.#arrivedShare >= ARRIVED_SHARE_MIN) return true;
    this.#notTried = (this.#notTried + 1) % TRIED_EVERY;
    return this.#notTried === 0;
  }
}

/**
 * Which thread makes a small durable write. A worker thread leaves the event loop free, and costs whoever waits two wake-ups of
 * threads, a fourth of the write. While nobody else is served, the thread that would only wait makes it itself.
 *
 * Nobody else: during the last few that a worker thread made, the event loop heard of nothing but their ends. While it makes
 * them itself it hears of nothing, so that every so often one is a worker thread's again. A slow one is followed by such
 * a look at once: what waits for a slow device is for worker threads alone.
 *
 * @source Node.js API, `performance.nodeTiming.uvMetricsInfo`: how many events the loop has handled
 */

import { performance } from 'node:perf_hooks';

/** So many in a row with nobody else there, before the first is made by the loop's thread. */
const ALONE_IN_A_ROW = 8;
/** So many are made there from one look to the next. */
const MADE_HERE = 32;
/** Several times what a write to a quick device takes: it was held up. */
const QUICK_MS_MAX = 1;

/** What it goes by. */
export interface LoneWriterSenses {
  /** Milliseconds. */
  readonly now: () => number;
  /** Events that the loop has handled until now. */
  readonly eventsHandled: () => number;
}

const SENSES: LoneWriterSenses = {
  now: () => performance.now(),
  eventsHandled: () => performance.nodeTiming.uvMetricsInfo.events,
};

/** Two ways to make one write, which give the bytes written. */
export interface WaysToWrite {
  readonly here: () => number;
  readonly elsewhere: () => Promise<number>;
}

export class LoneWriter {
  readonly #senses: LoneWriterSenses;
  #aloneInARow = 0;
  /** How many are made here before the next look. */
  #left = 0;

  /** @param senses the machine's unless told */
  constructor(senses: LoneWriterSenses = SENSES) {
    this.#senses = senses;
  }

  /** By one of the two. */
  make(ways: WaysToWrite): number | Promise<number> {
    return this.#left > 0 ? this.#here(ways) : this.#elsewhere(ways);
  }

  #here(ways: WaysToWrite): number {
    const { now } = this.#senses;
    const began = now();
    const written = ways.here();
    this.#left = now() - began > QUICK_MS_MAX ? 0 : this.#left - 1;
    return written;
  }

  async #elsewhere(ways: WaysToWrite): Promise<number> {
    const { now, eventsHandled } = this.#senses;
    const [began, before] = [now(), eventsHandled()];
    const written = await ways.elsewhere();
    const isAlone = eventsHandled() - before <= 1;
    const isQuick = now() - began <= QUICK_MS_MAX;
    if (!isAlone) this.#aloneInARow = 0;
    else if (isQuick) this.#aloneInARow += 1;
    if (isQuick && this.#aloneInARow >= ALONE_IN_A_ROW) this.#left = MADE_HERE;
    return written;
  }
}

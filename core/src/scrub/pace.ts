import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';

/** Reads are small steps: what they may be ahead of the rate, in time. */
const AHEAD_MS = 50;
/** Of the event loop's time. */
const BUSY_SHARE = 0.5;
/** How much slower it is while the store has much else to do. */
const BUSY_FACTOR = 8;
const LOOK_MS = 100;

/** Time as the event loop has spent it, in milliseconds since some moment. */
export interface LoopTime {
  readonly idle: number;
  readonly active: number;
}

export interface PaceParts {
  readonly bytesPerSecond: number;
  readonly now?: () => number;
  readonly loopTime?: () => LoopTime;
  readonly pause?: (ms: number, signal?: AbortSignal) => Promise<void>;
}

/** Keeps background reading to a rate, and to an eighth of it while clients keep the event loop busy. */
export class Pace {
  readonly #parts: Required<PaceParts>;
  /** When as much as was taken may have been taken, at the rate. */
  #due: number;
  #factor = 1;
  #lookedAt: number;
  #before: LoopTime;

  constructor(parts: PaceParts) {
    this.#parts = {
      now: () => performance.now(),
      loopTime: () => performance.eventLoopUtilization(),
      pause,
      ...parts,
    };
    this.#due = this.#lookedAt = this.#parts.now();
    this.#before = this.#parts.loopTime();
  }

  /** Resolves when so much may be read, or at once when `signal` ends it all. */
  async take(bytes: number, signal?: AbortSignal): Promise<void> {
    const { bytesPerSecond } = this.#parts;
    const now = this.#parts.now();
    if (now - this.#lookedAt >= LOOK_MS) this.#look(now);
    // What was not used is gone: a pause is not made up for.
    this.#due = Math.max(this.#due, now - AHEAD_MS) + (bytes / bytesPerSecond) * 1000 * this.#factor;
    if (this.#due - now > AHEAD_MS) await this.#parts.pause(this.#due - now, signal);
  }

  #look(now: number): void {
    const time = this.#parts.loopTime();
    const active = time.active - this.#before.active;
    const idle = time.idle - this.#before.idle;
    this.#factor = active > BUSY_SHARE * (active + idle) ? BUSY_FACTOR : 1;
    this.#before = time;
    this.#lookedAt = now;
  }
}

async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  await delay(ms, undefined, signal && { signal }).catch((error: unknown) => {
    if (!signal?.aborted) throw error;
  });
}

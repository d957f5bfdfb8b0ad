import { type Timestamp, timestamp } from '../../src/index.ts';
import { below, type Random } from '../random.ts';

const HOUR_NS = 3_600_000_000_000;
const BEGIN_NS = 1_700_000_000_000_000_000n;
/** Of a step while the machine is off: what was answered is remembered for longer than all of them take. */
const STEP_HOURS_MAX = 6;
const READINGS_PER_STEP = 500;
/** Nothing runs for a while, as on a machine that is starved: what was fresh may be so no more. */
const READINGS_PER_PAUSE = 10;
const PAUSE_MS_MAX = 2000;

/** The two clocks of a machine. Neither has to do with when a timer goes off, which is at any time. */
export class Clock {
  readonly #random: Random;
  #now = BEGIN_NS;
  #monotonicMs = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** What time it is: set forwards at any time, and backwards where a new process begins. */
  now(): Timestamp {
    this.#now += below(this.#random, READINGS_PER_STEP) === 0 ? BigInt(below(this.#random, HOUR_NS)) : 1n;
    return timestamp(this.#now);
  }

  /** Never set. */
  monotonicMs(): number {
    if (below(this.#random, READINGS_PER_PAUSE) === 0) this.#monotonicMs += below(this.#random, PAUSE_MS_MAX);
    return this.#monotonicMs;
  }

  /** Somebody sets it while nothing runs. */
  set(): void {
    const hours = STEP_HOURS_MAX * (2 * this.#random() - 1);
    this.#now += BigInt(Math.floor(hours * HOUR_NS));
  }
}

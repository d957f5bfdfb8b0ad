import pLimit from 'p-limit';
import {
  type Bytes,
  KEY_BYTES_MAX,
  type Op,
  type ReadReply,
  type ReadRequest,
  type ReadTx,
  type WriteTx,
} from '../contract.ts';
import { answer, type Snapshot, YieldedReads } from '../snapshot.ts';
import { WriteBuffer } from '../writeBuffer.ts';
import { YieldedWrites } from '../yieldedWrites.ts';
import { RecentKeys } from './recentKeys.ts';

/** Page faults that waited for the disk, of this process, since it began. */
export type FaultCount = () => number;

/** Operations between two looks at the page faults, which are a system call of a microsecond. */
const LOOKED_AFTER = 64;
const LOOKED_AFTER_WHILE_COLD = 1024;
/** Whatever took so long may have met one. */
const SLOW_MS = 2;
/** What an operation costs more that is warmed up: it runs twice, and its records are fetched in two or three steps. */
const WARMING_MS = 0.05;
/** What an operation takes, and what a page fault, as long as nothing is known. */
const USUAL_MS = 0.02;
const FAULT_MS_MIN = 0.1;
/** Of what is new, in the usual time. */
const SMOOTHING = 1 / 8;
/** Further ones are the operation's own to wait for. Without a bound one that goes through everything would do so twice. */
const STEPS_MAX = 64;
const FETCHED_TOGETHER_MIN = 16;
/** At a time. Each is one more of the readers that LMDB's lock file has places for, and holds one of libuv's threads. */
const FETCHES_MAX = 8;

/**
 * Keeps the event loop from waiting for metadata that the system has not in memory. LMDB reads by page faults, and the
 * thread that meets one stands still until the disk has answered: everybody whom it serves waits along, and no two are
 * read at a time.
 *
 * So while much time goes that way, an operation runs twice. The first time goes from read to read, has threads fetch what the
 * next one will ask for, and its outcome counts for nothing; the second is as ever, all of it on one snapshot, on
 * pages that are there. What was asked for a moment ago is not fetched.
 */
export class ColdReads {
  readonly #faults: FaultCount;
  readonly #recent = new RecentKeys();
  readonly #limit = pLimit(FETCHES_MAX);
  #isCold: boolean;
  /** Since the last look. */
  #operations = 0;
  #ms = 0;
  #faultsBefore: number;
  #usualMs = USUAL_MS;
  #warmed = 0;
  #faultMs = FAULT_MS_MIN;

  /** @param options for tests: what counts faults, and what is thought at first */
  constructor(options: { readonly faults?: FaultCount; readonly isCold?: boolean } = {}) {
    this.#faults = options.faults ?? majorFaults;
    this.#isCold = options.isCold ?? false;
    this.#faultsBefore = this.#faults();
  }

  /** Whether operations are to be warmed up. */
  get isCold(): boolean {
    return this.#isCold;
  }

  /** Operations that were. */
  get warmed(): number {
    return this.#warmed;
  }

  /** To be told of all that ran on this thread, warmed up or not. */
  ran(ms: number, operations = 1): void {
    this.#operations += operations;
    this.#ms += ms;
    const isDue = this.#isCold
      ? this.#operations >= LOOKED_AFTER_WHILE_COLD
      : this.#operations >= LOOKED_AFTER || ms >= SLOW_MS;
    if (isDue) this.#look();
  }

  #look(): void {
    const faultsNow = this.#faults();
    // Those that threads met count as well: they are why this one met none.
    const faults = faultsNow - this.#faultsBefore;
    const waitedMs = this.#ms - this.#operations * this.#usualMs;
    if (!this.#isCold && faults > 0) this.#faultMs = Math.max(FAULT_MS_MIN, waitedMs / faults);
    // Less is believed at once in part; more, which one long operation may be, only by and by, and not where there were faults.
    const beyond = Math.min(waitedMs / this.#operations, faults > 0 ? 0 : this.#usualMs);
    if (!this.#isCold) this.#usualMs += beyond * SMOOTHING;
    this.#isCold = faults * this.#faultMs > this.#operations * WARMING_MS;
    this.#faultsBefore = faultsNow;
    this.#operations = 0;
    this.#ms = 0;
  }

  /** Never rejects: what is wrong will be met again by the operation itself. */
  async warmRead(op: (tx: ReadTx) => Op<unknown>, place: ReadPlace): Promise<void> {
    await this.#warm(() => op(new YieldedReads()), place.store, place);
  }

  /** As {@link warmRead}. What the operation writes goes nowhere. */
  async warmWrite(op: (tx: WriteTx) => Op<unknown>, place: ReadPlace): Promise<void> {
    const writes = new WriteBuffer(place.store);
    await this.#warm(() => op(new YieldedWrites(writes)), writes, place);
  }

  async #warm(begin: () => Op<unknown>, snapshot: Snapshot, place: ReadPlace): Promise<void> {
    this.#warmed += 1;
    try {
      const op = begin();
      let step = op.next();
      for (let steps = 0; step.done !== true && steps < STEPS_MAX; steps += 1) {
        const keys = this.#recent.unknownOf(keysOf(step.value));
        if (keys.length > 0) await this.#fetch(keys, place);
        if (!place.isOpen()) return;
        step = op.next(answerOnce(step.value, snapshot, place.store));
      }
    } catch {
      // A damaged record, which is for the operation to tell of; or steps on different states that contradict each other.
    }
  }

  /** Many are fetched by several threads. */
  async #fetch(keys: readonly Bytes[], { store, isOpen }: ReadPlace): Promise<void> {
    const size = Math.max(FETCHED_TOGETHER_MIN, Math.ceil(keys.length / FETCHES_MAX));
    const parts = Array.from({ length: Math.ceil(keys.length / size) }, (_, at) =>
      keys.slice(at * size, (at + 1) * size),
    );
    await Promise.all(
      parts.map((part) =>
        this.#limit(async () => {
          // It may have been closed while others had their turn.
          if (isOpen()) await store.fetch(part);
        }),
      ),
    );
  }
}

/** Nobody is told of what is damaged: it fails. */
function answerOnce(request: ReadRequest, snapshot: Snapshot, store: ReadPlace['store']): ReadReply {
  try {
    if (request.kind !== 'range') return answer(snapshot, request);
    const { onDamaged: _unheard, ...range } = request.range;
    return answer(snapshot, { kind: 'range', range });
  } catch (error) {
    // Whether it was the device's is found out when the operation meets it.
    store.takeReadFailure();
    throw error;
  } finally {
    store.release();
  }
}

/** Where operations are warmed up. */
export interface ReadPlace {
  readonly store: Snapshot & {
    /** Has threads read records, so that their pages are in memory when it resolves, as far as there is room. */
    fetch(keys: readonly Bytes[]): Promise<void>;
    /** Gives up what was read from. */
    release(): void;
    /** Has it forget that a read failed. */
    takeReadFailure(): unknown;
  };
  /** Otherwise nothing more may be read. */
  isOpen(): boolean;
}

/** Of a range, where it begins: the rest is mostly on the same page. */
function keysOf(request: ReadRequest): readonly Bytes[] {
  switch (request.kind) {
    case 'get':
      return [request.key];
    case 'getMany':
      return request.keys;
    case 'range':
      return [bounded(request.range.reverse === true ? request.range.end : request.range.start)];
  }
}

const bounded = (bound: Bytes): Bytes => bound.subarray(0, KEY_BYTES_MAX);

const majorFaults: FaultCount = () => process.resourceUsage().majorPageFault;

import {
  type Engine,
  EngineError,
  type Op,
  type ReadRequest,
  type ReadTx,
  type WriteTx,
} from '../contract.ts';
import type { OwnWrite } from '../mergeRange.ts';
import { resume, type Snapshot, YieldedReads } from '../snapshot.ts';
import { WriteBuffer } from '../writeBuffer.ts';
import { YieldedWrites } from '../yieldedWrites.ts';
import { ReadSet } from './readSet.ts';
import { MemoryState } from './state.ts';

const ATTEMPTS_MAX_DEFAULT = 1000;

/**
 * Places where a test may hold an operation, let others overtake it, or make it fail: what a hook throws
 * rejects the operation, and a hook that never resolves is a crash.
 */
export interface MemoryEngineOptions {
  /** What the engine starts with: a {@link MemoryEngine.snapshot} taken before. Default empty. */
  readonly state?: MemoryState;
  /** Awaited at each read that yields, before it is answered. */
  readonly onYield?: (request: ReadRequest) => Promise<void> | void;
  /** Awaited before each attempt to commit writes: nothing is durable yet. */
  readonly beforeCommit?: () => Promise<void> | void;
  /**
   * Awaited with the writes of each commit, one commit at a time, before anybody sees them: makes them durable. What
   * it throws rejects the operation.
   */
  readonly keep?: (writes: readonly OwnWrite[]) => Promise<void>;
  /** Awaited after a commit: durable and visible, but not acknowledged. */
  readonly afterCommit?: () => Promise<void> | void;
  /** Asked at each attempt to commit: true makes it fail as if another write had come between. */
  readonly injectConflict?: () => boolean;
  /** Asked before each attempt to commit: true makes the operation fail with Full. */
  readonly injectFull?: () => boolean;
  /** What {@link MemoryEngine.spareBytes} tells. Default 0. */
  readonly spareBytes?: () => number;
  /** Attempts before an operation gives up with Contention. Default 1000. */
  readonly attemptsMax?: number;
}

/**
 * An engine as a remote one behaves: every read takes its time, operations overlap, each runs on a snapshot and
 * starts again when what it read has changed by the time it commits.
 *
 * It uses no clock, no timer and no randomness: the same hooks give the same history.
 */
export class MemoryEngine implements Engine {
  readonly #options: MemoryEngineOptions;
  readonly #attemptsMax: number;
  readonly #underWay = new Set<Promise<unknown>>();
  #state: MemoryState;
  /** A commit that is being made durable. */
  #keeping: Promise<void> | undefined;
  #closed = false;

  constructor(options: MemoryEngineOptions = {}) {
    this.#options = options;
    this.#attemptsMax = options.attemptsMax ?? ATTEMPTS_MAX_DEFAULT;
    this.#state = options.state ?? MemoryState.EMPTY;
  }

  /** Everything committed so far: what a crash at this moment would leave. */
  snapshot(): MemoryState {
    return this.#state;
  }

  async read<T>(op: (tx: ReadTx) => Op<T>): Promise<T> {
    this.#refuseWhenClosed();
    const state = this.#state;
    return this.#drive(op(new YieldedReads()), state);
  }

  async write<T>(op: (tx: WriteTx) => Op<T>): Promise<T> {
    this.#refuseWhenClosed();
    const written = this.#attemptUntilCommitted(op);
    this.#underWay.add(written);
    try {
      return await written;
    } finally {
      this.#underWay.delete(written);
    }
  }

  async spareBytes(): Promise<number> {
    return this.#options.spareBytes?.() ?? 0;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await Promise.allSettled(this.#underWay);
  }

  async #attemptUntilCommitted<T>(op: (tx: WriteTx) => Op<T>): Promise<T> {
    for (let attempt = 0; attempt < this.#attemptsMax; attempt++) {
      const reads = new ReadSet(this.#state);
      const writes = new WriteBuffer(reads);
      const value = await this.#drive(op(new YieldedWrites(writes)), writes);
      // What was read is one state that was current after the call: there is nothing to check.
      if (writes.keys.length === 0) return value;
      await this.#options.beforeCommit?.();
      while (this.#keeping !== undefined) await this.#keeping;
      if (this.#options.injectFull?.() === true) throw new EngineError('Full', 'there is no room');
      if (this.#options.injectConflict?.() === true || !reads.holdsIn(this.#state)) continue;
      const kept = this.#keep(writes);
      // Nobody else may commit between the two, not even for as long as an await takes.
      if (kept) await kept;
      else this.#state = this.#state.after(writes);
      await this.#options.afterCommit?.();
      return value;
    }
    throw new EngineError(
      'Contention',
      `gave up after ${this.#attemptsMax} attempts: others keep changing what this reads`,
    );
  }

  #keep(writes: WriteBuffer): Promise<void> | undefined {
    const kept = this.#options.keep?.(writes.keys.map((key, at) => ({ key, value: writes.values[at] })));
    if (kept === undefined) return undefined;
    const over = (): void => {
      this.#keeping = undefined;
    };
    const committed = kept.then(() => {
      this.#state = this.#state.after(writes);
    });
    this.#keeping = committed.then(over, over);
    return committed;
  }

  async #drive<T>(op: Op<T>, snapshot: Snapshot): Promise<T> {
    let step = op.next();
    while (step.done !== true) {
      await this.#options.onYield?.(step.value);
      step = resume(op, snapshot, step.value);
    }
    return step.value;
  }

  #refuseWhenClosed(): void {
    if (this.#closed) throw new EngineError('Closed', 'the memory engine is closed');
  }
}

import {
  type CountingEngine,
  type EngineCounts,
  EngineError,
  type Op,
  type ReadTx,
  type WriteTx,
} from '../contract.ts';
import type { BatchState } from './batchState.ts';
import type { ColdReads, ReadPlace } from './coldReads.ts';
import type { Commit } from './commit.ts';
import { diagnose } from './failure.ts';
import { ImmediateReads } from './immediateReads.ts';
import { drive, type Job, WriteJob } from './job.ts';
import { spareBytesOf } from './spare.ts';
import type { LmdbStore } from './store.ts';

/**
 * What one batch may hold: the event loop stands still, and other processes wait for the write lock, while it runs.
 * Half of about 10 ms goes to the operations, half to putting their writes (1.5 µs each) into LMDB's pages.
 */
const BATCH_MS_MAX = 5;
const BATCH_OPERATIONS_MAX = 1000;
const BATCH_WRITES_MAX = 3500;
const BATCH_BYTES_MAX = 4 << 20;

/**
 * Runs queued operations in batches, in the order they came. Each batch is one transaction of one thread of
 * execution, so operations are serial by construction; while one batch becomes durable the next one gathers.
 */
export class LmdbEngine implements CountingEngine {
  readonly #store: LmdbStore;
  readonly #commit: Commit;
  readonly #cold: ColdReads;
  readonly #place: ReadPlace;
  readonly #path: string;
  readonly #onFatal: (error: EngineError) => void;
  readonly #reads: ReadTx;
  /** Of the writes in the queue that are not ready. */
  readonly #warming = new Set<Promise<void>>();
  #queue: Job[] = [];
  #counts = { batches: 0, operations: 0 };
  #pumping: Promise<void> | undefined;
  /** The batch of this moment, or the last one. */
  #batch: Promise<void> = Promise.resolve();
  /** Those who have it hold still: no batch begins before all of them are done. */
  readonly #holds = new Set<Promise<void>>();
  #closing: Promise<void> | undefined;
  /** Why no new operation is taken. */
  #refusal: EngineError | undefined;

  constructor(parts: {
    readonly store: LmdbStore;
    readonly commit: Commit;
    readonly cold: ColdReads;
    readonly path: string;
    readonly onFatal: (error: EngineError) => void;
  }) {
    this.#store = parts.store;
    this.#commit = parts.commit;
    this.#cold = parts.cold;
    this.#place = { store: parts.store, isOpen: () => this.#refusal === undefined };
    this.#path = parts.path;
    this.#onFatal = parts.onFatal;
    this.#reads = new ImmediateReads(parts.store);
  }

  async read<T>(op: (tx: ReadTx) => Op<T>): Promise<T> {
    this.#mustBeOpen();
    if (this.#cold.isCold) {
      await this.#cold.warmRead(op, this.#place);
      this.#mustBeOpen();
    }
    let value: T;
    try {
      value = this.#readAtOnce(op);
    } catch (error) {
      throw this.#store.readFailure === undefined ? error : await this.#judgeRead();
    }
    if (this.#store.readFailure !== undefined) throw await this.#judgeRead();
    return value;
  }

  /** The snapshot is given up before anything else can run, so that no later read sees it. */
  #readAtOnce<T>(op: (tx: ReadTx) => Op<T>): T {
    this.#store.assertReadable();
    const began = performance.now();
    try {
      return drive(op(this.#reads), this.#store);
    } finally {
      this.#store.release();
      this.#cold.ran(performance.now() - began);
    }
  }

  write<T>(op: (tx: WriteTx) => Op<T>): Promise<T> {
    if (this.#refusal !== undefined) return Promise.reject(this.#refusal);
    return new Promise((resolve, reject) => {
      const job = new WriteJob(op, resolve, reject);
      this.#queue.push(job);
      if (this.#cold.isCold) this.#warmUp(job, op);
      else this.#begin();
    });
  }

  /** It has its place in the queue meanwhile: what came later does not run before it. */
  #warmUp(job: Job, op: (tx: WriteTx) => Op<unknown>): void {
    job.isReady = false;
    const warming = this.#cold.warmWrite(op, this.#place).then(() => {
      this.#warming.delete(warming);
      job.isReady = true;
      this.#begin();
    });
    this.#warming.add(warming);
  }

  get counts(): EngineCounts {
    return { ...this.#counts, warmed: this.#cold.warmed };
  }

  get waiting(): number {
    return this.#queue.length;
  }

  /**
   * As LMDB's file says: the last few hundred writes may not be in it yet. To have them in it for each who asks would copy
   * pages anew each time, and on a full disk all ask. Of what is free, a few pages may have to wait until a reader is done.
   */
  async spareBytes(): Promise<number> {
    this.#mustBeOpen();
    return spareBytesOf(this.#path);
  }

  /** Resolves when readers in other processes see all that was acknowledged before the call. @throws EngineError */
  async settle(): Promise<void> {
    this.#mustBeOpen();
    try {
      await this.#commit.settle();
    } catch (cause) {
      const error = await diagnose(cause, this.#path);
      this.#fail(error, []);
      throw error;
    }
  }

  /**
   * Resolves when LMDB's file holds all that was acknowledged, and stays as it is until what it gives is called: reads go on,
   * writes wait. For as long as another process opens the file. LMDB has it say which transaction is the newest, in memory
   * that all share, by what it read some steps before (`mdb_env_open2` in mdb.c): one that was committed in between would be
   * read by nobody, and the next one would be written over it.
   * @throws EngineError
   */
  async holdStill(): Promise<() => void> {
    this.#mustBeOpen();
    const { promise, resolve } = Promise.withResolvers<void>();
    const release = (): void => {
      this.#holds.delete(promise);
      resolve();
    };
    this.#holds.add(promise);
    try {
      await this.#batch;
      await this.settle();
      return release;
    } catch (error) {
      release();
      throw error;
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#finish();
    return this.#closing;
  }

  async #finish(): Promise<void> {
    this.#refusal ??= new EngineError('Closed', `the metadata store in ${this.#path} is closed`);
    await Promise.all(this.#warming);
    await this.#pumping;
    // A store that failed, perhaps during these last writes, can not be closed: only left.
    if (this.#refusal.code !== 'Closed') return;
    await this.#commit.close();
    await this.#store.close();
  }

  #begin(): void {
    if (this.#queue[0]?.isReady) this.#pumping ??= this.#pump();
  }

  async #pump(): Promise<void> {
    do {
      while (this.#holds.size > 0) await Promise.all(this.#holds);
      this.#batch = this.#runBatch();
      await this.#batch;
    } while (this.#queue[0]?.isReady);
    this.#pumping = undefined;
  }

  async #runBatch(): Promise<void> {
    const batch: Job[] = [];
    try {
      await this.#commit.run((state) => this.#attempt(batch, state));
    } catch (cause) {
      await this.#recover(batch, cause);
      return;
    }
    const { batches, operations } = this.#counts;
    this.#counts = { batches: batches + 1, operations: operations + batch.length };
    for (const job of batch) job.settle();
  }

  /** Takes operations off the queue into `batch`, as many as one batch may hold, and runs them in order. */
  #attempt(batch: Job[], state: BatchState): void {
    const began = performance.now();
    const deadline = began + BATCH_MS_MAX;
    for (const job of this.#queue) {
      if (!job.isReady || (job.alone && batch.length > 0)) break;
      batch.push(job);
      job.attempt(state);
      if (this.#store.readFailure !== undefined || job.alone) break;
      if (batch.length >= BATCH_OPERATIONS_MAX || performance.now() >= deadline) break;
      if (state.writesCount >= BATCH_WRITES_MAX || state.writesBytes >= BATCH_BYTES_MAX) break;
    }
    this.#queue = this.#queue.slice(batch.length);
    this.#cold.ran(performance.now() - began, batch.length);
    // Such an operation may have caught the failure, but what it then did rests on nothing.
    if (this.#store.readFailure !== undefined) throw this.#store.takeReadFailure();
  }

  /** Nothing of `batch` was written. On a full disk its operations run again one by one: some may still fit. */
  async #recover(batch: readonly Job[], cause: unknown): Promise<void> {
    const error = await diagnose(cause, this.#path);
    if (error.code === 'Failed' || batch.length === 0) {
      this.#fail(error, batch);
    } else if (batch.length === 1) {
      for (const job of batch) job.reject(error);
    } else {
      for (const job of batch) job.alone = true;
      this.#queue = [...batch, ...this.#queue];
    }
  }

  async #judgeRead(): Promise<EngineError> {
    const error = await diagnose(this.#store.takeReadFailure(), this.#path);
    if (error.code === 'Failed') this.#fail(error, []);
    return error;
  }

  #mustBeOpen(): void {
    if (this.#refusal !== undefined) throw this.#refusal;
  }

  /** Takes no operation any more: what the disk holds is no longer known. */
  fail(error: EngineError): void {
    this.#fail(error, []);
  }

  #fail(error: EngineError, batch: readonly Job[]): void {
    const known = this.#refusal?.code === 'Failed';
    this.#refusal = error;
    for (const job of [...batch, ...this.#queue]) job.reject(error);
    this.#queue = [];
    if (!known) this.#onFatal(error);
  }
}

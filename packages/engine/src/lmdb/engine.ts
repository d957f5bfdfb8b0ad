import { mkdir, open as openFile } from 'node:fs/promises';
import { dirname, resolve as resolvePath } from 'node:path';
import { type Engine, EngineError, type Op, type ReadTx, type WriteTx } from '../contract.ts';
import { BatchState } from './batchState.ts';
import { diagnose } from './failure.ts';
import { ImmediateReads } from './immediateReads.ts';
import { drive, type Job, WriteJob } from './job.ts';
import { LmdbStore } from './store.ts';

/** One batch holds the event loop about this long at most. */
const BATCH_MS_MAX = 10;
const BATCH_OPERATIONS_MAX = 1000;
const BATCH_BYTES_MAX = 8 << 20;

/** Address space, not memory or disk: the file grows as it fills. */
const MAP_SIZE_BYTES_DEFAULT = 2 ** 40;

export interface LmdbEngineOptions {
  /** A directory, made when absent. Every process that uses the same data opens the same path. */
  readonly path: string;
  /** The most the file may grow to. Default 1 TiB. */
  readonly mapSizeBytes?: number;
  /** Called once when the device failed. The process must end: what the disk holds is no longer known. */
  readonly onFatal?: (error: EngineError) => void;
}

/** Opens, or makes, the store at `path`. Any number of processes may have it open. */
export async function openLmdbEngine(options: LmdbEngineOptions): Promise<Engine> {
  const path = resolvePath(options.path);
  await mkdir(path, { recursive: true });
  const store = new LmdbStore({ path, mapSizeBytes: options.mapSizeBytes ?? MAP_SIZE_BYTES_DEFAULT });
  // LMDB syncs its file, but not the directory entries that lead to it.
  for (const directory of [path, dirname(path)]) await syncDirectory(directory);
  return new LmdbEngine(store, path, options.onFatal);
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await openFile(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

class LmdbEngine implements Engine {
  readonly #store: LmdbStore;
  readonly #path: string;
  readonly #onFatal: ((error: EngineError) => void) | undefined;
  readonly #reads: ReadTx;
  #queue: Job[] = [];
  #pumping: Promise<void> | undefined;
  #refusal: EngineError | undefined;

  constructor(store: LmdbStore, path: string, onFatal: ((error: EngineError) => void) | undefined) {
    this.#store = store;
    this.#path = path;
    this.#onFatal = onFatal;
    this.#reads = new ImmediateReads(store);
  }

  async read<T>(op: (tx: ReadTx) => Op<T>): Promise<T> {
    if (this.#refusal !== undefined) throw this.#refusal;
    this.#store.refresh();
    return drive(op(this.#reads), this.#store);
  }

  write<T>(op: (tx: WriteTx) => Op<T>): Promise<T> {
    if (this.#refusal !== undefined) return Promise.reject(this.#refusal);
    return new Promise((resolve, reject) => {
      this.#queue.push(new WriteJob(op, resolve, reject));
      this.#pumping ??= this.#pump();
    });
  }

  async close(): Promise<void> {
    if (this.#refusal?.code === 'Closed') return;
    this.#refusal = new EngineError('Closed', `the metadata store in ${this.#path} is closed`);
    await this.#pumping;
    await this.#store.close();
  }

  async #pump(): Promise<void> {
    while (this.#queue.length > 0) await this.#runBatch();
    this.#pumping = undefined;
  }

  async #runBatch(): Promise<void> {
    const batch: Job[] = [];
    try {
      await this.#store.transact(() => this.#attemptInto(batch));
    } catch (error) {
      await this.#recover(batch, error);
      return;
    }
    for (const job of batch) job.settle();
  }

  /** Takes operations off the queue, in order, as long as one batch may hold the event loop, and runs them. */
  #attemptInto(batch: Job[]): void {
    const deadline = performance.now() + BATCH_MS_MAX;
    const state = new BatchState(this.#store);
    let bytes = 0;
    try {
      for (const job of this.#queue) {
        if (job.alone && batch.length > 0) break;
        batch.push(job);
        bytes += job.attempt(state);
        if (job.alone || batch.length >= BATCH_OPERATIONS_MAX || bytes >= BATCH_BYTES_MAX) break;
        if (performance.now() >= deadline) break;
      }
    } finally {
      this.#queue = this.#queue.slice(batch.length);
    }
    state.writeBack();
  }

  /** Nothing of `batch` was written. Its operations run again one by one, to find the ones that can not be. */
  async #recover(batch: readonly Job[], cause: unknown): Promise<void> {
    const error = await diagnose(cause, this.#path);
    if (error.code === 'Full' && batch.length > 1) {
      for (const job of batch) job.alone = true;
      this.#queue = [...batch, ...this.#queue];
      return;
    }
    if (error.code === 'Full' && batch.length === 1) {
      for (const job of batch) job.reject(error);
      return;
    }
    this.#refusal = error;
    for (const job of [...batch, ...this.#queue]) job.reject(error);
    this.#queue = [];
    if (error.code === 'Failed') this.#onFatal?.(error);
  }
}

import { resolve } from 'node:path';
import { EngineError, type Op, type ReadTx } from '../contract.ts';
import { ColdReads } from './coldReads.ts';
import { openDatabase } from './database.ts';
import { diagnose } from './failure.ts';
import { ImmediateReads } from './immediateReads.ts';
import { drive } from './job.ts';
import { MAP_SIZE_BYTES_DEFAULT } from './open.ts';
import { LmdbStore } from './store.ts';

interface Opened {
  readonly store: LmdbStore;
  readonly reads: ReadTx;
}

/**
 * A store that another process has open for writing, to read from. It sees what is in LMDB's file: whoever must see
 * all that was acknowledged has the writer settle first.
 *
 * While a writer starts it must be closed: the start puts an older state into the file before it replays the journal.
 */
export class LmdbReplica {
  readonly #path: string;
  readonly #cold: ColdReads;
  #opened: Opened | undefined;

  /** @param options `cold`: one that asks the system unless told */
  constructor(options: { readonly path: string; readonly cold?: ColdReads }) {
    this.#path = resolve(options.path);
    this.#cold = options.cold ?? new ColdReads();
  }

  get isOpen(): boolean {
    return this.#opened !== undefined;
  }

  /** The writer has it open, has it in order, and holds still: see `LmdbEngine.holdStill`. */
  open(): void {
    if (this.#opened !== undefined) return;
    const database = openDatabase({ path: this.#path, mapSizeBytes: MAP_SIZE_BYTES_DEFAULT, readOnly: true });
    const store = new LmdbStore(database);
    this.#opened = { store, reads: new ImmediateReads(store) };
  }

  /** Nothing of LMDB's file is mapped or locked any more when it resolves. */
  async close(): Promise<void> {
    const opened = this.#opened;
    this.#opened = undefined;
    await opened?.store.close();
  }

  /** Where metadata are read from the disk lately: has what `op` will read brought to memory. Undefined: it may be run. */
  warm(op: (tx: ReadTx) => Op<unknown>): Promise<void> | undefined {
    const opened = this.#opened;
    if (opened === undefined || !this.#cold.isCold) return undefined;
    return this.#cold.warmRead(op, { store: opened.store, isOpen: () => this.#opened === opened });
  }

  /** Runs `op` here and now, on one snapshot of this moment. @throws EngineError Closed | Failed */
  readAtOnce<T>(op: (tx: ReadTx) => Op<T>): T {
    if (this.#opened === undefined)
      throw new EngineError('Closed', `the metadata store in ${this.#path} is closed`);
    const { store, reads } = this.#opened;
    store.assertReadable();
    const began = performance.now();
    try {
      return drive(op(reads), store);
    } finally {
      store.release();
      this.#cold.ran(performance.now() - began);
    }
  }

  /** What an error of {@link readAtOnce} means, if it was LMDB's; else undefined. */
  async judge(): Promise<EngineError | undefined> {
    const store = this.#opened?.store;
    if (store?.readFailure === undefined) return undefined;
    return diagnose(store.takeReadFailure(), this.#path);
  }
}

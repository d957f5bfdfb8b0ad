import { EngineError } from '../contract.ts';
import type { OwnWrite } from '../mergeRange.ts';
import { type BytesDatabase, putAll } from './database.ts';
import { newestTransactionOf } from './environment.ts';
import type { ReaderNotice } from './readerNotice.ts';

interface Ends {
  readonly commit: () => void;
  readonly abort: (cause: unknown) => void;
}

/**
 * A transaction of LMDB that stays open over many batches, which share what a commit costs: the ways down the trees
 * copied, the lists of free pages looked through, the pages written. While it is open every read reads from it.
 *
 * Only for batches that are durable elsewhere: a crash leaves nothing of it in LMDB's file.
 */
export class LastingTransaction {
  readonly #db: BytesDatabase;
  readonly #notice: ReaderNotice | undefined;
  #ends: Ends | undefined;
  /** What it was given, to be given again when it must be begun anew. */
  #batches: (readonly OwnWrite[])[] = [];
  #loss: EngineError | undefined;

  constructor(db: BytesDatabase, notice?: ReaderNotice) {
    this.#db = db;
    this.#notice = notice;
  }

  get isOpen(): boolean {
    return this.#ends !== undefined;
  }

  /** Why what was gathered is not there, though it was acknowledged. Nothing may be read any more. */
  get loss(): EngineError | undefined {
    return this.#loss;
  }

  /** Adds a batch, opening the transaction if need be. When it throws, nothing of this batch stays. */
  gather(writes: readonly OwnWrite[]): void {
    try {
      this.#put(writes);
    } catch (cause) {
      if (this.#loss !== undefined) throw cause;
      this.#abort(cause);
      this.#gatherAnew();
      throw cause;
    }
    this.#batches.push(writes);
    this.#notice?.gathered();
  }

  /** Commits it, if it is open. @throws EngineError Failed: what was acknowledged is in the journal alone */
  settle(): void {
    const ends = this.#ends;
    if (ends === undefined) return;
    this.#ends = undefined;
    this.#batches = [];
    try {
      ends.commit();
    } catch (cause) {
      throw this.#lose(cause);
    }
    this.#notice?.settled();
  }

  /** Gives LMDB in a new transaction what it was given in the one that is open. @throws EngineError Failed */
  beginAnew(): void {
    if (this.#ends === undefined) return;
    this.#abort(new Error('begun anew'));
    this.#gatherAnew();
  }

  #put(writes: readonly OwnWrite[]): void {
    if (this.#ends === undefined) this.#begin();
    putAll(this.#db, writes);
  }

  #begin(): void {
    // lmdb-js keeps a transaction open for a callback that gives a promise. This one is settled here and now, where a real
    // one would let others run first.
    this.#db.transactionSync(() => ({
      // biome-ignore lint/suspicious/noThenProperty: see above
      then: (commit: Ends['commit'], abort: Ends['abort']) => {
        this.#ends = { commit, abort };
      },
    }));
    this.#mustBeNewest();
  }

  /**
   * Who opens the file puts LMDB's word of the newest transaction back, if others commit meanwhile: see `holdStill`. What
   * was written on an older state would be without what was acknowledged since, which only the journal has now.
   * @throws EngineError Failed
   */
  #mustBeNewest(): void {
    const number = this.#db.getWriteTxnId();
    const newest = newestTransactionOf(this.#db);
    if (number === newest + 1) return;
    const cause = new Error(`LMDB began transaction ${number}, and has ${newest} already`);
    this.#abort(cause);
    throw this.#lose(cause);
  }

  #gatherAnew(): void {
    try {
      for (const writes of this.#batches) this.#put(writes);
    } catch (cause) {
      this.#abort(cause);
      throw this.#lose(cause);
    }
  }

  #abort(cause: unknown): void {
    const ends = this.#ends;
    this.#ends = undefined;
    try {
      ends?.abort(cause);
    } catch {
      // lmdb-js throws the cause on.
    }
  }

  #lose(cause: unknown): EngineError {
    const reason = cause instanceof Error ? cause.message : cause;
    this.#loss = new EngineError('Failed', `metadata that only the journal has now: ${reason}`, { cause });
    return this.#loss;
  }
}

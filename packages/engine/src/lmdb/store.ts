import { checkKey } from '../byteOrder.ts';
import { type Bytes, DamagedRecord, type Entry, KEY_BYTES_MAX, type KeyRange } from '../contract.ts';
import type { OwnWrite } from '../mergeRange.ts';
import type { Snapshot } from '../snapshot.ts';
import { watchCommits } from './commitWatch.ts';
import { type BytesDatabase, putAll } from './database.ts';
import { type PageUsage, pageUsageOf } from './environment.ts';
import { damagedPage } from './failure.ts';
import { LastingTransaction } from './lastingTransaction.ts';
import { Pin } from './pin.ts';
import type { ReaderNotice } from './readerNotice.ts';
import { ReadTransaction } from './readTransaction.ts';
import { allOf, soundOf, unsealed } from './seal.ts';

const LOOKED_AT_FIRST = 16;

/**
 * What of lmdb-js the driver uses.
 *
 * Outside {@link transact} reads see one snapshot from the first until {@link release}; inside, the transaction's.
 */
export class LmdbStore implements Snapshot {
  readonly #db: BytesDatabase;
  readonly #rejectOnFailure: (reject: (error: unknown) => void) => void;
  readonly #lasting: LastingTransaction;
  readonly #fetches = new Set<Promise<void>>();
  #transacting = false;
  #reading: ReadTransaction | undefined;
  #readFailure: unknown;

  constructor(database: BytesDatabase, notice?: ReaderNotice) {
    this.#db = database;
    this.#lasting = new LastingTransaction(database, notice);
    this.#rejectOnFailure = watchCommits(database);
  }

  /** @throws RangeError for an impossible key; EngineError Damaged; otherwise see {@link readFailure} */
  get(key: Bytes): Bytes | undefined {
    checkKey(key);
    let record: Buffer | undefined;
    try {
      record = this.#db.get(key, this.#source());
    } catch (error) {
      throw this.#judged(error);
    }
    return record && unsealed(key, record);
  }

  range({ start, end, limit, reverse = false, onDamaged }: KeyRange): readonly Entry[] {
    if (limit <= 0 || Buffer.compare(start, end) >= 0) return [];
    const from = clamp(start);
    const to = clamp(end);
    // A clamped bound lies just before the bound it stands for, and may itself be a key: of a clamped start
    // that key is out, of a clamped end it is in.
    const bounds = reverse
      ? { start: to, end: from, reverse, exclusiveStart: to === end, inclusiveEnd: from === start }
      : { start: from, end: to, exclusiveStart: from !== start, inclusiveEnd: to !== end };
    const within = (most: number) => this.#db.getRange({ ...bounds, limit: most, ...this.#source() });
    if (onDamaged !== undefined)
      return this.#tried(() => soundOf(within(Number.MAX_SAFE_INTEGER), limit, onDamaged));
    return this.#tried(() => allOf(within(limit)));
  }

  /** Whether any of the first records is sound, or there are none. */
  holdsSealed(): boolean {
    let damagedCount = 0;
    const onDamaged = () => {
      damagedCount += 1;
    };
    const ends = { start: Buffer.of(0), end: Buffer.alloc(KEY_BYTES_MAX, 0xff) };
    const range = this.#db.getRange({ ...ends, limit: LOOKED_AT_FIRST, ...this.#source() });
    return this.#tried(() => soundOf(range, 1, onDamaged)).length > 0 || damagedCount === 0;
  }

  #tried<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw this.#judged(error);
    }
  }

  /** What a read that failed throws. */
  #judged(error: unknown): unknown {
    if (error instanceof DamagedRecord) return error;
    const damaged = this.#transacting ? undefined : damagedPage(error);
    if (damaged === undefined) {
      this.#readFailure ??= error;
      return error;
    }
    // LMDB takes nothing more in a transaction that met it.
    this.#lasting.beginAnew();
    return damaged;
  }

  /** What the first read that failed threw, until it is taken: the operation itself may have caught it. */
  get readFailure(): unknown {
    return this.#readFailure;
  }

  takeReadFailure(): unknown {
    const failure = this.#readFailure;
    this.#readFailure = undefined;
    return failure;
  }

  /**
   * Has a thread read records, in a snapshot of its own, so that their pages are in memory when it resolves, as far as
   * there is room. Impossible keys are passed over. {@link close} waits for it.
   */
  fetch(keys: readonly Bytes[]): Promise<void> {
    // What lmdb-js makes of others is not defined.
    const possible = keys.filter(({ length }) => length > 0 && length <= KEY_BYTES_MAX);
    const fetching = new Promise<void>((resolve) => void this.#db.prefetch(possible, () => resolve()));
    const known = fetching.finally(() => this.#fetches.delete(known));
    this.#fetches.add(known);
    return known;
  }

  /** Resolves when those that are under way now are over: until then they keep pages from being used again. */
  async fetched(): Promise<void> {
    await Promise.allSettled(this.#fetches);
  }

  /** Puts and removes, in a transaction. */
  apply(writes: readonly OwnWrite[]): void {
    putAll(this.#db, writes);
  }

  /** To be called before an operation that only reads. */
  assertReadable(): void {
    if (this.#transacting) throw new Error('an operation reads through its own transaction only');
  }

  /** Ends what {@link assertReadable} began: the next read sees everything acknowledged until then. */
  release(): void {
    this.#reading?.release();
  }

  /**
   * Puts and removes in a transaction that stays open: they can be read at once, and reach LMDB's file some time. When
   * it throws, nothing of them stays.
   */
  gather(writes: readonly OwnWrite[]): void {
    this.#lasting.gather(writes);
  }

  /**
   * Runs `batch` in a child transaction: when it throws, nothing of it stays (in a plain one everything would).
   * Resolves once that is on stable storage.
   */
  transact(batch: () => void): Promise<void> {
    this.#lasting.settle();
    return new Promise((resolve, reject) => {
      this.#rejectOnFailure(reject);
      this.#db
        .childTransaction(() => {
          this.#transacting = true;
          try {
            batch();
          } finally {
            this.#transacting = false;
          }
        })
        .then(resolve, reject);
    });
  }

  /** Runs `batch` in a transaction here and now. When it throws, nothing of it stays. */
  transactAtOnce(batch: () => void): void {
    this.#lasting.settle();
    this.#db.transactionSync(() => {
      this.#transacting = true;
      try {
        batch();
      } finally {
        this.#transacting = false;
      }
    });
  }

  /**
   * Settles what was gathered, else LMDB could not tell.
   * @throws EngineError Failed, as every read does from then on
   */
  pageUsage(): PageUsage {
    this.#lasting.settle();
    return pageUsageOf(this.#db);
  }

  /** Keeps the state of this moment as it is on disk: none of its pages is used again before the pin is released. */
  pin(): Pin {
    this.#lasting.settle();
    return new Pin(this.#db);
  }

  async close(): Promise<void> {
    this.#lasting.settle();
    this.#reading?.end();
    // lmdb-js waits for them, and has whoever closes it not wait.
    await this.fetched();
    await this.#db.close();
  }

  /** Where lmdb-js reads from: of a transaction that is open it knows by itself. */
  #source(): ReadTransaction['options'] | undefined {
    if (this.#lasting.loss !== undefined) throw this.#lasting.loss;
    if (this.#transacting || this.#lasting.isOpen) return undefined;
    this.#reading ??= new ReadTransaction(this.#db);
    return this.#reading.options;
  }
}

/** LMDB takes no bound longer than a key. */
function clamp(bound: Bytes): Bytes {
  return bound.length > KEY_BYTES_MAX ? bound.subarray(0, KEY_BYTES_MAX) : bound;
}

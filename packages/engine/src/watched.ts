import type { Bytes, Engine, KeyRange, Op, ReadTx, WriteTx } from './contract.ts';
import type { OwnWrite } from './mergeRange.ts';

/** Told of the writes of one operation, in the order it made them. */
export type Watcher = (writes: readonly OwnWrite[]) => void;

/**
 * An engine whose writes can be watched as they are committed: with a walk through all keys, one page at a time, that
 * makes a copy of the store without a long-lived snapshot, which would keep LMDB from using its pages again.
 *
 * The order of commits is that of acknowledgements, so only for engines that acknowledge in that order: LMDB's driver
 * does, and the memory engine unless it is told to wait after a commit.
 */
export class WatchedEngine implements Engine {
  readonly #engine: Engine;
  #watcher: Watcher | undefined;
  /** Writes that nobody watches. */
  #unwatched = 0;
  #whenNoneIsUnwatched: (() => void) | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  read<T>(op: (tx: ReadTx) => Op<T>): Promise<T> {
    return this.#engine.read(op);
  }

  write<T>(op: (tx: WriteTx) => Op<T>): Promise<T> {
    return this.#watcher === undefined ? this.#writeUnwatched(op) : this.#writeWatched(op);
  }

  spareBytes(): Promise<number> {
    return this.#engine.spareBytes();
  }

  close(): Promise<void> {
    return this.#engine.close();
  }

  /**
   * Has one watcher told of every operation that commits from now on, before whoever asked for it is. Resolves when
   * all that it is not told of is over: what is read after that has it, or never will. Not to be called before the one
   * before it has ended.
   */
  async watch(watcher: Watcher): Promise<void> {
    if (this.#watcher !== undefined) throw new Error('the engine is watched already');
    this.#watcher = watcher;
    if (this.#unwatched === 0) return;
    await new Promise<void>((resolve) => {
      this.#whenNoneIsUnwatched = resolve;
    });
  }

  /** Ends the watch. Safe to call twice. */
  unwatch(): void {
    this.#watcher = undefined;
  }

  #writeUnwatched<T>(op: (tx: WriteTx) => Op<T>): Promise<T> {
    const written = this.#engine.write(op);
    this.#unwatched += 1;
    const over = (): void => {
      this.#unwatched -= 1;
      if (this.#unwatched === 0) this.#whenNoneIsUnwatched?.();
    };
    written.then(over, over);
    return written;
  }

  async #writeWatched<T>(op: (tx: WriteTx) => Op<T>): Promise<T> {
    let writes: OwnWrite[] = [];
    const result = await this.#engine.write((tx) => {
      // It may run more than once: only the last time counts.
      writes = [];
      return op(new RecordedTx(tx, writes));
    });
    this.#watcher?.(writes);
    return result;
  }
}

class RecordedTx implements WriteTx {
  readonly #tx: WriteTx;
  readonly #writes: OwnWrite[];

  constructor(tx: WriteTx, writes: OwnWrite[]) {
    this.#tx = tx;
    this.#writes = writes;
  }

  get(key: Bytes): Op<Bytes | undefined> {
    return this.#tx.get(key);
  }

  getMany(keys: readonly Bytes[]): Op<readonly (Bytes | undefined)[]> {
    return this.#tx.getMany(keys);
  }

  range(range: KeyRange): ReturnType<ReadTx['range']> {
    return this.#tx.range(range);
  }

  put(key: Bytes, value: Bytes): void {
    this.#tx.put(key, value);
    this.#writes.push({ key, value });
  }

  delete(key: Bytes): void {
    this.#tx.delete(key);
    this.#writes.push({ key, value: undefined });
  }
}

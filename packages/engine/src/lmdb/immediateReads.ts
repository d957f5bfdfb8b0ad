import type { Bytes, Entry, KeyRange, Op, ReadReply, ReadRequest, ReadTx } from '../contract.ts';
import type { Snapshot } from '../snapshot.ts';

/**
 * Reads of a store that answers at once. `yield*` on one finishes without yielding, so a read does not
 * unwind the generators above it. A raw `yield` of a request is the driver's to answer.
 */
export class ImmediateReads implements ReadTx {
  readonly snapshot: Snapshot;

  constructor(snapshot: Snapshot) {
    this.snapshot = snapshot;
  }

  get(key: Bytes): Op<Bytes | undefined> {
    return new ImmediateGet(this.snapshot, key);
  }

  getMany(keys: readonly Bytes[]): Op<readonly (Bytes | undefined)[]> {
    return new ImmediateRead(() => keys.map((key) => this.snapshot.get(key)));
  }

  range(range: KeyRange): Op<readonly Entry[]> {
    return new ImmediateRead(() => this.snapshot.range(range));
  }
}

abstract class Immediate<T> extends Iterator<ReadRequest, T, ReadReply> implements Op<T> {
  abstract override next(): IteratorReturnResult<T>;

  override return(value: T): IteratorReturnResult<T> {
    return { done: true, value };
  }

  override throw(error: unknown): never {
    throw error;
  }

  override [Symbol.iterator](): this {
    return this;
  }
}

/** Most reads are gets, five to ten an operation: one object each, which is also its own result. */
class ImmediateGet extends Immediate<Bytes | undefined> {
  readonly done = true;
  value: Bytes | undefined;
  readonly #snapshot: Snapshot;
  readonly #key: Bytes;

  constructor(snapshot: Snapshot, key: Bytes) {
    super();
    this.#snapshot = snapshot;
    this.#key = key;
  }

  override next(): this {
    this.value = this.#snapshot.get(this.#key);
    return this;
  }
}

class ImmediateRead<T> extends Immediate<T> {
  readonly #read: () => T;

  constructor(read: () => T) {
    super();
    this.#read = read;
  }

  override next(): IteratorReturnResult<T> {
    return { done: true, value: this.#read() };
  }
}

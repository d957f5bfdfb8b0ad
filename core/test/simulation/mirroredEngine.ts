/**
 * LMDB with a copy in memory that follows each commit: for a model that peeks at what was committed, at once. One
 * write after the other: how long each takes in LMDB's threads decides no order then. Reads are of the moment.
 */

import type { Bytes, Engine, MemoryEngine, Op, ReadTx, WriteTx } from '@facet/engine';

type Write = readonly [key: Bytes, value: Bytes | undefined];

export class MirroredEngine implements Engine {
  readonly #inner: Engine;
  readonly #mirror: MemoryEngine;
  readonly #committed: () => void;
  /** Resolves when all that was asked for is done. */
  #last: Promise<unknown> = Promise.resolve();

  /** @param committed told of each commit */
  constructor(inner: Engine, mirror: MemoryEngine, committed: () => void) {
    this.#inner = inner;
    this.#mirror = mirror;
    this.#committed = committed;
  }

  read<T>(op: (tx: ReadTx) => Op<T>): Promise<T> {
    return this.#inner.read(op);
  }

  write<T>(op: (tx: WriteTx) => Op<T>): Promise<T> {
    const done = this.#last.then(() => this.#write(op));
    this.#last = done.catch(() => undefined);
    return done;
  }

  async #write<T>(op: (tx: WriteTx) => Op<T>): Promise<T> {
    let writes: Write[] = [];
    const result = await this.#inner.write((tx) => {
      // Run again after a conflict, it writes again.
      writes = [];
      return op(recording(tx, writes));
    });
    if (writes.length === 0) return result;
    await this.#mirror.write((tx) => copy(tx, writes));
    this.#committed();
    return result;
  }

  spareBytes(): Promise<number> {
    return this.#inner.spareBytes();
  }

  close(): Promise<void> {
    return this.#inner.close();
  }
}

function recording(tx: WriteTx, writes: Write[]): WriteTx {
  return {
    get: (key) => tx.get(key),
    getMany: (keys) => tx.getMany(keys),
    range: (range) => tx.range(range),
    put: (key, value) => {
      writes.push([key, value]);
      tx.put(key, value);
    },
    delete: (key) => {
      writes.push([key, undefined]);
      tx.delete(key);
    },
  };
}

// biome-ignore lint/correctness/useYield: a copy reads nothing.
function* copy(tx: WriteTx, writes: readonly Write[]): Op<number> {
  for (const [key, value] of writes) {
    if (value) tx.put(key, value);
    else tx.delete(key);
  }
  return writes.length;
}

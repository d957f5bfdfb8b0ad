/** A record that is damaged in the store itself: for whoever reads or writes, until another is put in its place. */

import type { Engine, Op, ReadTx, WriteTx } from '@facet/engine';
import { Damaged } from './vandal.ts';

export class Rot {
  #isThere = true;
  readonly #key: Uint8Array;

  constructor(engine: Engine, key: Uint8Array) {
    this.#key = key;
    const [read, write] = [engine.read.bind(engine), engine.write.bind(engine)];
    Object.assign(engine, {
      read: <T>(op: (tx: ReadTx) => Op<T>) =>
        read((tx) => op(this.#isThere ? new Damaged(tx, this.#key) : tx)),
      write: async <T>(op: (tx: WriteTx) => Op<T>) => {
        let isReplaced = false;
        const result = await write((tx) => {
          const rotten = new RottenWrites(tx, this.#isThere ? this.#key : undefined);
          return watched(op(rotten), () => {
            isReplaced = rotten.isReplaced;
          });
        });
        if (isReplaced) this.#isThere = false;
        return result;
      },
    });
  }

  /** Nobody put anything in its place. */
  get isThere(): boolean {
    return this.#isThere;
  }
}

function* watched<T>(op: Op<T>, onEnd: () => void): Op<T> {
  const result = yield* op;
  onEnd();
  return result;
}

class RottenWrites implements WriteTx {
  readonly #tx: WriteTx;
  #key: Uint8Array | undefined;
  isReplaced = false;

  constructor(tx: WriteTx, key: Uint8Array | undefined) {
    this.#tx = tx;
    this.#key = key;
  }

  get #reading(): ReadTx {
    return this.#key ? new Damaged(this.#tx, this.#key) : this.#tx;
  }

  get(key: Uint8Array): Op<Uint8Array | undefined> {
    return this.#reading.get(key);
  }

  getMany(keys: readonly Uint8Array[]): ReturnType<ReadTx['getMany']> {
    return this.#reading.getMany(keys);
  }

  range(range: Parameters<ReadTx['range']>[0]): ReturnType<ReadTx['range']> {
    return this.#reading.range(range);
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#replaced(key);
    this.#tx.put(key, value);
  }

  delete(key: Uint8Array): void {
    this.#replaced(key);
    this.#tx.delete(key);
  }

  #replaced(key: Uint8Array): void {
    if (!this.#key || Buffer.compare(key, this.#key) !== 0) return;
    this.#key = undefined;
    this.isReplaced = true;
  }
}

import type { Bytes, WriteTx } from './contract.ts';
import { YieldedReads } from './snapshot.ts';
import type { WriteBuffer } from './writeBuffer.ts';

/** Reads that yield, and writes that are kept apart. Whoever drives it reads through the same buffer. */
export class YieldedWrites extends YieldedReads implements WriteTx {
  readonly #writes: WriteBuffer;

  constructor(writes: WriteBuffer) {
    super();
    this.#writes = writes;
  }

  put(key: Bytes, value: Bytes): void {
    this.#writes.put(key, value);
  }

  delete(key: Bytes): void {
    this.#writes.delete(key);
  }
}

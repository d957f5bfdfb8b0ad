import type { MemoryState, Op, ReadTx } from '@facet/engine';

/** Runs reads here and now, on one state, as a replica of LMDB does. */
export function readAtOnce<T>(state: MemoryState, op: (tx: ReadTx) => Op<T>): T {
  const step = op(new ReadsAtOnce(state)).next();
  if (!step.done) throw new Error('a read waited for another one');
  return step.value;
}

/** Nothing is left to wait for: every reply is there. */
class ReadsAtOnce implements ReadTx {
  readonly #state: MemoryState;

  constructor(state: MemoryState) {
    this.#state = state;
  }

  // biome-ignore lint/correctness/useYield: see above
  *get(key: Parameters<ReadTx['get']>[0]): ReturnType<ReadTx['get']> {
    return this.#state.get(key);
  }

  *getMany(keys: Parameters<ReadTx['getMany']>[0]): ReturnType<ReadTx['getMany']> {
    return keys.map((key) => this.#state.get(key));
  }

  // biome-ignore lint/correctness/useYield: see above
  *range(range: Parameters<ReadTx['range']>[0]): ReturnType<ReadTx['range']> {
    return this.#state.range(range);
  }
}

import { BatchState } from './batchState.ts';
import type { LmdbStore } from './store.ts';

/** How a batch of operations becomes durable, and visible when it is. */
export interface Commit {
  /**
   * Runs `attempt` on the state as it is and puts what it wrote on stable storage. When it throws, nothing of it stays.
   * Nobody reads what it wrote before it is durable. Called again only when it has settled.
   */
  run(attempt: (state: BatchState) => void): Promise<void>;
  /** Resolves when LMDB's file holds all that was acknowledged before the call. @throws EngineError Failed */
  settle(): Promise<void>;
  /** Leaves everything so that the next start has nothing to do. */
  close(): Promise<void>;
}

/** In LMDB's own way: one transaction, synced twice. Other processes may write, too. */
export class TransactionCommit implements Commit {
  readonly #store: LmdbStore;

  constructor(store: LmdbStore) {
    this.#store = store;
  }

  run(attempt: (state: BatchState) => void): Promise<void> {
    return this.#store.transact(() => {
      const state = new BatchState(this.#store);
      attempt(state);
      this.#store.apply(state.writes);
    });
  }

  async settle(): Promise<void> {}

  async close(): Promise<void> {}
}

import { type CommitNeeds, joined, NO_NEEDS, type TreeShape } from './commitNeeds.ts';
import type { LmdbStore } from './store.ts';

export interface PageUsage {
  /** Of the newest transaction. */
  readonly lastPage: number;
  /** By this process, those written again included. */
  readonly writtenPages: number;
  /** As it is after the newest transaction. */
  readonly tree: TreeShape;
}

/**
 * How many pages LMDB has used. It knows when a transaction has ended; of the one that is open, what it may take at most
 * is known.
 */
export class UsageMeter {
  readonly #store: LmdbStore;
  #asked: PageUsage;
  #since = NO_NEEDS;

  constructor(store: LmdbStore) {
    this.#store = store;
    this.#asked = store.pageUsage();
  }

  /** When LMDB was asked last. */
  get asked(): PageUsage {
    return this.#asked;
  }

  /** What was gathered since. */
  get since(): CommitNeeds {
    return this.#since;
  }

  /** To be called for what LMDB's open transaction was given. */
  gathered(needs: CommitNeeds): void {
    this.#since = joined(this.#since, needs);
  }

  /** Settles LMDB's open transaction. To be called after every other one. */
  ask(): PageUsage {
    this.#asked = this.#store.pageUsage();
    this.#since = NO_NEEDS;
    return this.#asked;
  }
}

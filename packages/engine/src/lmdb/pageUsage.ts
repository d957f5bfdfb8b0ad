import type { LmdbStore } from './store.ts';

export interface PageUsage {
  /** Of the newest transaction. */
  readonly lastPage: number;
  /** By this process, those written again included. */
  readonly writtenPages: number;
}

/** What a commit may take is a bound that tests bear out, not a proof: LMDB itself is asked at least so often. */
const COMMITS_MAX = 64;

/**
 * How many pages LMDB has used, without asking it at each commit, which costs as much as a small commit's puts.
 * In between it is at most what the commits since may have taken.
 */
export class UsageMeter {
  readonly #store: LmdbStore;
  #asked: PageUsage;
  #sinceBytes = 0;
  #sinceCount = 0;

  constructor(store: LmdbStore) {
    this.#store = store;
    this.#asked = store.pageUsage();
  }

  /** When LMDB was asked last. */
  get asked(): PageUsage {
    return this.#asked;
  }

  /** What was written since, at most. */
  get sinceBytes(): number {
    return this.#sinceBytes;
  }

  /** To be called for each commit, with the most that it may have taken. */
  committed(bytes: number): void {
    this.#sinceBytes += bytes;
    this.#sinceCount += 1;
    if (this.#sinceCount >= COMMITS_MAX) this.ask();
  }

  ask(): PageUsage {
    if (this.#sinceCount > 0) this.#asked = this.#store.pageUsage();
    this.#sinceBytes = 0;
    this.#sinceCount = 0;
    return this.#asked;
  }
}

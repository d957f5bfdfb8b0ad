import { bytesDroppedAtMost, type CommitNeeds, joined, NO_NEEDS } from './commitNeeds.ts';
import { type DataFile, PAGE_BYTES } from './dataFile.ts';
import type { PageUsage } from './environment.ts';
import { freeLeavesIn } from './header.ts';
import type { LmdbStore } from './store.ts';

export interface MeteredUsage extends PageUsage {
  /** By this process at most, those taken again and those not even written included. */
  readonly takenBytes: number;
  /** Of the tree that free pages are listed in. */
  readonly freeLeaves: number;
}

/**
 * How many pages LMDB has used. It knows when a transaction has ended; of the one that is open, what it may take at most
 * is known.
 */
export class UsageMeter {
  readonly #store: LmdbStore;
  readonly #file: DataFile;
  #asked: MeteredUsage;
  #since = NO_NEEDS;

  constructor(store: LmdbStore, file: DataFile) {
    this.#store = store;
    this.#file = file;
    this.#asked = { ...store.pageUsage(), takenBytes: 0, freeLeaves: this.#freeLeaves() };
  }

  /** When LMDB was asked last. */
  get asked(): MeteredUsage {
    return this.#asked;
  }

  /** What was gathered since. */
  get since(): CommitNeeds {
    return this.#since;
  }

  /** To be called for whatever LMDB was given, before it is asked. */
  gathered(needs: CommitNeeds): void {
    this.#since = joined(this.#since, needs);
  }

  /** Settles LMDB's open transaction. To be called after every other one. */
  ask(): MeteredUsage {
    const before = this.#asked;
    const now = this.#store.pageUsage();
    const writtenBytes = (now.writtenPages - before.writtenPages) * PAGE_BYTES;
    const takenBytes = before.takenBytes + writtenBytes + bytesDroppedAtMost(this.#since, before.tree);
    this.#asked = { ...now, takenBytes, freeLeaves: this.#freeLeaves() };
    this.#since = NO_NEEDS;
    return this.#asked;
  }

  /** Of LMDB's file, by other means. */
  took(bytes: number): void {
    this.ask();
    this.#asked = { ...this.#asked, takenBytes: this.#asked.takenBytes + bytes };
  }

  #freeLeaves(): number {
    return freeLeavesIn(this.#file.handle.fd);
  }
}

/** What all processes of a server see at once: how far readers are behind, and how often what they look up changed. */

import type { Freshness, LookupChanges } from '@facet/core';
import type { ReaderNotice } from '@facet/engine';
import { SharedWords } from '@facet/link';

const WORD = { given: 0, settled: 1, lookupChanges: 2 } as const;

export class SharedState implements Freshness {
  readonly #words: SharedWords;
  readonly changes: LookupChanges;
  /** For the one process that writes the metadata. */
  readonly notice: ReaderNotice;

  private constructor(words: SharedWords) {
    this.#words = words;
    this.changes = {
      count: () => words.load(WORD.lookupChanges),
      add: () => {
        words.increment(WORD.lookupChanges);
      },
    };
    this.notice = {
      gathered: () => {
        words.increment(WORD.given);
      },
      settled: () => words.store(WORD.settled, words.load(WORD.given)),
    };
  }

  static make(): SharedState {
    return new SharedState(SharedWords.make());
  }

  static open(fd: number): SharedState {
    return new SharedState(SharedWords.open(fd));
  }

  get fd(): number {
    return this.#words.fd;
  }

  given(): number {
    return this.#words.load(WORD.given);
  }

  settled(): number {
    return this.#words.load(WORD.settled);
  }
}

/**
 * What all processes of a server see at once: how far readers are behind, how often what they look up changed, and how many of the
 * connections that each was given are over.
 */

import type { Freshness, LookupChanges } from '@facet/core';
import type { ReaderNotice } from '@facet/engine';
import { SharedWords } from '@facet/link';

const WORD = { given: 0, settled: 1, lookupChanges: 2, firstSeat: 16 } as const;

/** More than there are processes at once: each place has one, and one that takes over from it. */
export const SEATS = 768;

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

  /** Nobody has it any more. */
  clearSeat(seat: number): void {
    this.#words.store(WORD.firstSeat + seat, 0);
  }

  /** A connection that the process in that seat was given is over. */
  connectionOver(seat: number): void {
    this.#words.increment(WORD.firstSeat + seat);
  }

  /** How many of its connections are. Around at 2^31. */
  connectionsOver(seat: number): number {
    return this.#words.load(WORD.firstSeat + seat);
  }
}

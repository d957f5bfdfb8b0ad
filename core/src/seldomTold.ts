/** What is told once in a while, however often it happens. */

import { LastUsed } from './lastUsed.ts';

interface Told {
  readonly atMs: number;
  leftOut: number;
}

/** Memory is bounded: where more things than `thingsMax` happen in turn, some are told of sooner. */
export class SeldomTold {
  readonly #told: LastUsed<string, Told>;
  readonly #everyMs: number;
  readonly #now: () => number;

  /** @param parts `now`: in milliseconds, from whenever */
  constructor(parts: {
    readonly everyMs: number;
    readonly thingsMax: number;
    readonly now: () => number;
  }) {
    this.#told = new LastUsed(parts.thingsMax);
    this.#everyMs = parts.everyMs;
    this.#now = parts.now;
  }

  /** @returns undefined: was told not long ago; else to be told now, with how often it was not since the last time */
  happened(thing: string): { readonly leftOut: number } | undefined {
    const now = this.#now();
    const last = this.#told.get(thing);
    // A clock that was set back must not keep it quiet.
    if (last && now >= last.atMs && now < last.atMs + this.#everyMs) {
      last.leftOut += 1;
      return undefined;
    }
    this.#told.set(thing, { atMs: now, leftOut: 0 });
    return { leftOut: last?.leftOut ?? 0 };
  }
}

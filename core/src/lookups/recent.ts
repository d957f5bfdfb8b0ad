/**
 * What was looked up a moment ago: for records that every request needs and that hardly ever change. A change made by
 * a process of this server clears it in all of them, before it is acknowledged. Only what exists is remembered.
 */

import { performance } from 'node:perf_hooks';
import { LastUsed } from '../lastUsed.ts';

const FRESH_MS = 1000;
const ENTRIES_MAX = 10_000;

/** How often what is remembered was changed, by whichever process of a server. */
export interface LookupChanges {
  count(): number;
  add(): void;
}

/** Of one process alone. */
export function ownLookupChanges(): LookupChanges {
  let count = 0;
  return {
    count: () => count,
    add: () => {
      count += 1;
    },
  };
}

interface Remembered<T> {
  readonly value: T;
  readonly untilMs: number;
  /** The count before it was looked up. */
  readonly changes: number;
}

export class Recent<T> {
  readonly #load: (name: string) => Promise<T | undefined>;
  readonly #changes: LookupChanges;
  readonly #entries = new LastUsed<string, Remembered<T>>(ENTRIES_MAX);

  constructor(load: (name: string) => Promise<T | undefined>, changes: LookupChanges) {
    this.#load = load;
    this.#changes = changes;
  }

  get(name: string): Promise<T | undefined> | T {
    const entry = this.#entries.get(name);
    if (entry && entry.changes === this.#changes.count() && entry.untilMs > performance.now())
      return entry.value;
    return this.#refresh(name);
  }

  async #refresh(name: string): Promise<T | undefined> {
    const changes = this.#changes.count();
    const value = await this.#load(name);
    if (value === undefined) this.#entries.delete(name);
    else this.#entries.set(name, { value, untilMs: performance.now() + FRESH_MS, changes });
    return value;
  }

  /** To be called when something was changed, before anybody is told. */
  clear(): void {
    this.#changes.add();
  }
}

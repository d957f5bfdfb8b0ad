/**
 * What was looked up a moment ago: for records that every request needs and that hardly ever change.
 *
 * A change made through this process clears it at once; one made by another process is seen after
 * {@link FRESH_MS} at the latest. Only what exists is remembered.
 */

import { performance } from 'node:perf_hooks';
import { LastUsed } from '../lastUsed.ts';

const FRESH_MS = 1000;
const ENTRIES_MAX = 10_000;

export class Recent<T> {
  readonly #load: (name: string) => Promise<T | undefined>;
  readonly #entries = new LastUsed<string, { readonly value: T; readonly untilMs: number }>(ENTRIES_MAX);
  /** Grows with every {@link clear}: a look-up that was under way then is not remembered. */
  #clears = 0;

  constructor(load: (name: string) => Promise<T | undefined>) {
    this.#load = load;
  }

  get(name: string): Promise<T | undefined> | T {
    const entry = this.#entries.get(name);
    if (entry && entry.untilMs > performance.now()) return entry.value;
    return this.#refresh(name);
  }

  async #refresh(name: string): Promise<T | undefined> {
    const clears = this.#clears;
    const value = await this.#load(name);
    if (value === undefined) this.#entries.delete(name);
    else if (clears === this.#clears)
      this.#entries.set(name, { value, untilMs: performance.now() + FRESH_MS });
    return value;
  }

  clear(): void {
    this.#clears += 1;
    this.#entries.clear();
  }
}

/**
 * What was looked up a moment ago: for records that every request needs and that hardly ever change. A change made by
 * a process of this server clears it in all of them, before it is acknowledged. Only what exists is remembered.
 */

import type { Environment } from '../commands/command.ts';
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

export interface RecentParts<T> {
  readonly load: (name: string) => Promise<T | undefined>;
  readonly changes: LookupChanges;
  readonly environment: Pick<Environment, 'monotonicMs'>;
}

export class Recent<T> {
  readonly #parts: RecentParts<T>;
  readonly #entries = new LastUsed<string, Remembered<T>>(ENTRIES_MAX);

  constructor(parts: RecentParts<T>) {
    this.#parts = parts;
  }

  get(name: string): Promise<T | undefined> | T {
    const { changes, environment } = this.#parts;
    const entry = this.#entries.get(name);
    if (entry && entry.changes === changes.count() && entry.untilMs > environment.monotonicMs())
      return entry.value;
    return this.#refresh(name);
  }

  async #refresh(name: string): Promise<T | undefined> {
    const { load, environment } = this.#parts;
    const changes = this.#parts.changes.count();
    const value = await load(name);
    if (value === undefined) this.#entries.delete(name);
    else this.#entries.set(name, { value, untilMs: environment.monotonicMs() + FRESH_MS, changes });
    return value;
  }

  /** To be called when something was changed, before anybody is told. */
  clear(): void {
    this.#parts.changes.add();
  }
}

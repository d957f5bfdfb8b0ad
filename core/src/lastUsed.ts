/**
 * A map with a bound, in which what is in use stays. Entries are young or old: when there are as many young ones as half
 * the bound allows they become the old ones, and what was old and has not been asked for since goes. So it costs next
 * to nothing to keep, and never forgets everything at once.
 */
export class LastUsed<K, V> {
  readonly #youngMax: number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();

  /** @param entriesMax at least 2 */
  constructor(entriesMax: number) {
    this.#youngMax = Math.floor(entriesMax / 2);
  }

  get(key: K): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: K, value: V): void {
    if (this.#young.size >= this.#youngMax && !this.#young.has(key)) {
      this.#old = this.#young;
      this.#young = new Map();
    }
    this.#young.set(key, value);
  }

  delete(key: K): void {
    this.#young.delete(key);
    this.#old.delete(key);
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }
}

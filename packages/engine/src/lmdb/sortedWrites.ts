import type { Bytes, KeyRange } from '../contract.ts';
import type { OwnWrite } from '../mergeRange.ts';

/** Writes of distinct keys, put in order only when a range asks: most batches are never asked. */
export class SortedWrites {
  readonly #sorted: OwnWrite[] = [];
  #fresh: OwnWrite[] = [];

  add(write: OwnWrite): void {
    this.#fresh.push(write);
  }

  /** Those in the range, in ascending order, whatever its direction and limit. */
  within({ start, end }: KeyRange): readonly OwnWrite[] {
    // One by one: an operation adds a few to some hundred, and moving those behind a place is a copy of pointers.
    for (const write of this.#fresh) this.#sorted.splice(this.#placeOf(write.key), 0, write);
    this.#fresh = [];
    return this.#sorted.slice(this.#placeOf(start), this.#placeOf(end));
  }

  /** How many keys lie before `key`. */
  #placeOf(key: Bytes): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#sorted[middle];
      if (other !== undefined && Buffer.compare(other.key, key) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

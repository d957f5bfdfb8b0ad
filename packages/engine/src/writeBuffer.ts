import { checkKey, keyText, sameKey } from './byteOrder.ts';
import type { Bytes, Entry, KeyRange } from './contract.ts';
import { type OwnWrite, rangeOver } from './mergeRange.ts';
import type { Snapshot } from './snapshot.ts';

/** Up to so many writes it is quicker to compare a key with each than to index them. */
const SCANNED_MAX = 32;

/**
 * The writes of one operation, kept apart until it returns, over the state it reads.
 *
 * Most operations read first and write last, so nothing is indexed before it must be.
 */
export class WriteBuffer implements Snapshot {
  /** Every write in order; `undefined` deletes. A later write of a key replaces an earlier one. */
  readonly keys: Bytes[] = [];
  readonly values: (Bytes | undefined)[] = [];
  readonly #base: Snapshot;
  #positions: Map<string, number> | undefined;
  #indexedCount = 0;
  #sortedKeys: readonly string[] = [];

  constructor(base: Snapshot) {
    this.#base = base;
  }

  put(key: Bytes, value: Bytes): void {
    checkKey(key);
    // A missing value would pass for a delete, and any other would fail the whole batch.
    if (!(value instanceof Uint8Array)) throw new TypeError('a value is a Uint8Array');
    this.keys.push(key);
    this.values.push(value);
  }

  delete(key: Bytes): void {
    checkKey(key);
    this.keys.push(key);
    this.values.push(undefined);
  }

  get(key: Bytes): Bytes | undefined {
    const position = this.#find(key);
    return position < 0 ? this.#base.get(key) : this.values[position];
  }

  range(range: KeyRange): readonly Entry[] {
    if (this.keys.length === 0) return this.#base.range(range);
    return rangeOver(this.#base, range, this.#ownIn(range));
  }

  /** The position of the last write of `key`, or -1. */
  #find(key: Bytes): number {
    if (this.keys.length > SCANNED_MAX) return this.#index().get(keyText(key)) ?? -1;
    let position = this.keys.length - 1;
    for (let own = this.keys[position]; own !== undefined && !sameKey(own, key); own = this.keys[position])
      position--;
    return position;
  }

  #index(): ReadonlyMap<string, number> {
    this.#positions ??= new Map();
    for (; this.#indexedCount < this.keys.length; this.#indexedCount++) {
      const key = this.keys[this.#indexedCount];
      if (key !== undefined) this.#positions.set(keyText(key), this.#indexedCount);
    }
    return this.#positions;
  }

  #ownIn(range: KeyRange): readonly OwnWrite[] {
    const positions = this.#index();
    if (this.#sortedKeys.length !== positions.size) this.#sortedKeys = [...positions.keys()].sort();
    const [start, end] = [keyText(range.start), keyText(range.end)];
    const own: OwnWrite[] = [];
    for (const text of this.#sortedKeys) {
      if (text < start) continue;
      if (text >= end) break;
      const position = positions.get(text) ?? -1;
      const key = this.keys[position];
      if (key !== undefined) own.push({ key, value: this.values[position] });
    }
    return own;
  }
}

import type { Bytes, Entry, KeyRange } from '../contract.ts';
import type { Snapshot } from '../snapshot.ts';
import type { WriteBuffer } from '../writeBuffer.ts';
import { KeyTable } from './keyTable.ts';
import type { LmdbStore } from './store.ts';

/** A key the batch has met, and its value now. */
interface Cell {
  readonly key: Bytes;
  value: Bytes | undefined;
  /** Differs from what LMDB holds. */
  dirty: boolean;
}

/**
 * The state a batch has reached: what its transaction began with, and the writes of its operations that returned.
 *
 * It stands before LMDB as a write-back cache, so that a key which every operation reads and writes (a counter, a
 * directory's state) is read and put once a batch. Nobody else can write while the transaction is open.
 */
export class BatchState implements Snapshot {
  readonly #store: LmdbStore;
  readonly #table = new KeyTable();
  /** By the key's number in the table. */
  readonly #cells: Cell[] = [];
  #dirty: Cell[] = [];
  #writesCount = 0;
  #writesBytes = 0;

  constructor(store: LmdbStore) {
    this.#store = store;
  }

  get(key: Bytes): Bytes | undefined {
    const number = this.#table.number(key);
    const cell = this.#cells[number];
    if (cell !== undefined) return cell.value;
    const value = this.#store.get(key);
    this.#cells[number] = { key, value, dirty: false };
    return value;
  }

  range(range: KeyRange): readonly Entry[] {
    this.writeBack();
    return this.#store.range(range);
  }

  /** Writes taken over, repeated keys counted each time. */
  get writesCount(): number {
    return this.#writesCount;
  }

  get writesBytes(): number {
    return this.#writesBytes;
  }

  /** Takes over the writes of an operation that returned. */
  absorb(writes: WriteBuffer): void {
    this.#writesCount += writes.keys.length;
    for (let position = 0; position < writes.keys.length; position++) {
      const key = writes.keys[position];
      const value = writes.values[position];
      if (key === undefined) continue;
      this.#writesBytes += key.length + (value === undefined ? 0 : value.length);
      const number = this.#table.number(key);
      const cell = this.#cells[number];
      if (cell === undefined) {
        const written = { key, value, dirty: true };
        this.#cells[number] = written;
        this.#dirty.push(written);
        continue;
      }
      cell.value = value;
      if (cell.dirty) continue;
      cell.dirty = true;
      this.#dirty.push(cell);
    }
  }

  /** Puts into LMDB what it does not hold yet. */
  writeBack(): void {
    for (const cell of this.#dirty) {
      if (cell.value === undefined) this.#store.remove(cell.key);
      else this.#store.put(cell.key, cell.value);
      cell.dirty = false;
    }
    this.#dirty = [];
  }
}

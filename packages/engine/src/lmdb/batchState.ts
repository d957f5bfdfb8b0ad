import type { Bytes, Entry, KeyRange } from '../contract.ts';
import { type OwnWrite, rangeOver } from '../mergeRange.ts';
import type { Snapshot } from '../snapshot.ts';
import type { WriteBuffer } from '../writeBuffer.ts';
import { KeyTable } from './keyTable.ts';
import { SortedWrites } from './sortedWrites.ts';

/** A key the batch has met, and its value now. */
interface Cell {
  readonly key: Bytes;
  value: Bytes | undefined;
  /** Written by the batch. */
  dirty: boolean;
}

/**
 * The state a batch has reached: what it began with, and the writes of its operations that returned.
 *
 * It stands before LMDB as a write-back cache, so that a key which every operation reads and writes (a counter, a
 * directory's state) is read and put once a batch. Nobody else writes while a batch is under way.
 */
export class BatchState implements Snapshot {
  readonly #base: Snapshot;
  readonly #table = new KeyTable();
  /** By the key's number in the table. */
  readonly #cells: Cell[] = [];
  readonly #dirty: Cell[] = [];
  readonly #sorted = new SortedWrites();
  #writesCount = 0;
  #writesBytes = 0;

  constructor(base: Snapshot) {
    this.#base = base;
  }

  get(key: Bytes): Bytes | undefined {
    const number = this.#table.number(key);
    const cell = this.#cells[number];
    if (cell !== undefined) return cell.value;
    const value = this.#base.get(key);
    this.#cells[number] = { key, value, dirty: false };
    return value;
  }

  range(range: KeyRange): readonly Entry[] {
    return rangeOver(this.#base, range, this.#sorted.within(range));
  }

  /** Writes taken over, repeated keys counted each time. */
  get writesCount(): number {
    return this.#writesCount;
  }

  get writesBytes(): number {
    return this.#writesBytes;
  }

  /** What the batch changes, each key once, in no order. */
  get writes(): readonly OwnWrite[] {
    return this.#dirty;
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
        this.#cells[number] = this.#soil({ key, value, dirty: true });
        continue;
      }
      cell.value = value;
      if (cell.dirty) continue;
      cell.dirty = true;
      this.#soil(cell);
    }
  }

  #soil(cell: Cell): Cell {
    this.#dirty.push(cell);
    this.#sorted.add(cell);
    return cell;
  }
}

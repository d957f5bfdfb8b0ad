import { checkKey, keyText } from '../byteOrder.ts';
import type { Bytes, Entry, KeyRange } from '../contract.ts';
import type { Snapshot } from '../snapshot.ts';

const LEAF_ENTRIES_MAX = 128;

/** An entry as one commit wrote it: two states hold the same object only if no commit touched the key between. */
interface Stored extends Entry {
  readonly text: string;
}

type Leaf = readonly Stored[];

/**
 * One immutable state of the store: sorted leaves, none empty. A commit copies the list of leaves and the leaves
 * it touches, so every earlier state stays readable at no cost.
 */
export class MemoryState implements Snapshot {
  static readonly EMPTY = new MemoryState([]);
  readonly #leaves: readonly Leaf[];

  private constructor(leaves: readonly Leaf[]) {
    this.#leaves = leaves;
  }

  get(key: Bytes): Bytes | undefined {
    return this.find(key)?.value;
  }

  find(key: Bytes): Entry | undefined {
    checkKey(key);
    const text = keyText(key);
    const leaf = this.#leaves[leafFor(this.#leaves, text)];
    if (leaf === undefined) return undefined;
    const stored = leaf[lowerBound(leaf, text)];
    return stored?.text === text ? stored : undefined;
  }

  range({ start, end, limit, reverse = false }: KeyRange): readonly Entry[] {
    const [from, to] = [keyText(start), keyText(end)];
    const found: Entry[] = [];
    const step = reverse ? -1 : 1;
    for (let at = leafFor(this.#leaves, reverse ? to : from); found.length < limit; at += step) {
      const leaf = this.#leaves[at];
      if (leaf === undefined) break;
      const low = lowerBound(leaf, from);
      const high = lowerBound(leaf, to);
      const within = leaf.slice(low, high);
      if (reverse) within.reverse();
      for (const stored of within.slice(0, limit - found.length)) found.push(stored);
      if (reverse ? low > 0 : high < leaf.length) break;
    }
    return found;
  }

  /** The state after these writes, in order; an undefined value deletes. */
  after(writes: {
    readonly keys: readonly Bytes[];
    readonly values: readonly (Bytes | undefined)[];
  }): MemoryState {
    const leaves = [...this.#leaves];
    for (const [position, key] of writes.keys.entries()) {
      const text = keyText(key);
      const at = leafFor(leaves, text);
      const leaf = leaves[at] ?? [];
      const value = writes.values[position];
      const place = lowerBound(leaf, text);
      const replaced = leaf[place]?.text === text ? 1 : 0;
      const changed = leaf.toSpliced(place, replaced, ...(value === undefined ? [] : [{ text, key, value }]));
      leaves.splice(at, 1, ...split(changed));
    }
    return new MemoryState(leaves);
  }
}

function split(leaf: Leaf): readonly Leaf[] {
  if (leaf.length === 0) return [];
  if (leaf.length <= LEAF_ENTRIES_MAX) return [leaf];
  return [leaf.slice(0, leaf.length >> 1), leaf.slice(leaf.length >> 1)];
}

/** The last leaf that begins at or before `text`, or else the first: where `text` is, or would go. */
function leafFor(leaves: readonly Leaf[], text: string): number {
  let low = 0;
  let high = leaves.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const first = leaves[middle]?.[0];
    if (first !== undefined && first.text <= text) low = middle + 1;
    else high = middle;
  }
  return Math.max(0, low - 1);
}

/** The first place in `leaf` whose key is not below `text`. */
function lowerBound(leaf: Leaf, text: string): number {
  let low = 0;
  let high = leaf.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const stored = leaf[middle];
    if (stored !== undefined && stored.text < text) low = middle + 1;
    else high = middle;
  }
  return low;
}

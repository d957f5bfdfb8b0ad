import type { Bytes, Entry, KeyRange } from '../contract.ts';
import type { Snapshot } from '../snapshot.ts';
import type { MemoryState } from './state.ts';

/** What one attempt of an operation saw of a state, absent keys and empty ranges included. */
export class ReadSet implements Snapshot {
  readonly #state: MemoryState;
  readonly #gets: { readonly key: Bytes; readonly saw: Entry | undefined }[] = [];
  readonly #ranges: { readonly range: KeyRange; readonly saw: readonly Entry[] }[] = [];

  constructor(state: MemoryState) {
    this.#state = state;
  }

  get(key: Bytes): Bytes | undefined {
    const saw = this.#state.find(key);
    this.#gets.push({ key, saw });
    return saw?.value;
  }

  range(range: KeyRange): readonly Entry[] {
    const saw = this.#state.range(range);
    this.#ranges.push({ range, saw });
    return saw;
  }

  /** True when the same reads of `state` would have given the same answers. */
  holdsIn(state: MemoryState): boolean {
    if (state === this.#state) return true;
    return (
      this.#gets.every(({ key, saw }) => state.find(key) === saw) &&
      this.#ranges.every(({ range, saw }) => sameEntries(state.range(range), saw))
    );
  }
}

function sameEntries(one: readonly Entry[], other: readonly Entry[]): boolean {
  return one.length === other.length && one.every((entry, at) => entry === other[at]);
}

import { keyText } from '../byteOrder.ts';
import type { Bytes } from '../contract.ts';

const GENERATION_MAX = 4096;

/** Keys that were asked for lately, some thousands of them. */
export class RecentKeys {
  #young = new Set<string>();
  #old = new Set<string>();

  /** Those that were not, which from now on were. */
  unknownOf(keys: readonly Bytes[]): Bytes[] {
    return keys.filter((key) => this.#isNew(keyText(key)));
  }

  #isNew(text: string): boolean {
    if (this.#young.has(text)) return false;
    const isOld = this.#old.has(text);
    this.#young.add(text);
    if (this.#young.size >= GENERATION_MAX) {
      this.#old = this.#young;
      this.#young = new Set();
    }
    return !isOld;
  }
}

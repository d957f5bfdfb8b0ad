/**
 * Memory for large records and replies, used again and again. What V8 does not hold itself it counts all the same:
 * 64 MiB of fresh memory make it collect all of its garbage, which took half of a WRITE's time (measured).
 *
 * Nothing is owed: what is not given back is collected as any other.
 */

const KiB = 1 << 10;
/** Shorter pieces are not worth it. */
export const POOLED_BYTES_MIN = 64 * KiB;
/** A short read with the blocks around it; a record on its way; the longest record, or the longest read with its blocks. */
const SIZES = [136 * KiB, 264 * KiB, 1096 * KiB] as const;
/** What lies unused. */
const KEPT_BYTES_MAX = 24 << 20;

export class MemoryPool {
  readonly #kept = new Map<number, Buffer[]>(SIZES.map((size) => [size, []]));
  #keptBytes = 0;

  /** At least so long; what is in it is left from before. */
  take(lengthBytes: number): Buffer {
    const size = SIZES.find((one) => one >= lengthBytes);
    if (size === undefined) return Buffer.allocUnsafeSlow(lengthBytes);
    const kept = this.#kept.get(size)?.pop();
    if (!kept) return Buffer.allocUnsafeSlow(size);
    this.#keptBytes -= size;
    return kept;
  }

  /** Once, and only what was taken, when nobody looks at it any more. */
  give(memory: Buffer): void {
    const kept = this.#kept.get(memory.length);
    if (!kept || this.#keptBytes + memory.length > KEPT_BYTES_MAX) return;
    kept.push(memory);
    this.#keptBytes += memory.length;
  }
}

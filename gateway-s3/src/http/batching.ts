/** How many bytes of a bulk body are gathered before they are dealt with: many, but not of many bodies at once. */

/** So few steps a MiB that they cost little. */
const BATCH_BYTES_MAX = 256 << 10;
/** What the kernel gives at once. */
const BATCH_BYTES_MIN = 64 << 10;
/** Of all bodies together, unless each has less than the kernel gives at once. */
const GATHERED_BYTES_MAX = 32 << 20;

export class Batching {
  #bodies = 0;

  begin(): void {
    this.#bodies += 1;
  }

  end(): void {
    this.#bodies -= 1;
  }

  /** Of a body that has begun. */
  get batchBytes(): number {
    return Math.max(BATCH_BYTES_MIN, Math.min(BATCH_BYTES_MAX, GATHERED_BYTES_MAX / this.#bodies));
  }
}

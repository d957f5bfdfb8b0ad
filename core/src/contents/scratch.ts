/**
 * Memory that bulk reads use again and again. Fresh megabytes for every piece would cost as much in garbage
 * collection as reading them does (a third of the time of a 64 MiB GET, measured).
 */

import { READ_SLACK_BYTES } from '@facet/extents';

/** Of an extent read through scratch memory, so much is read at a time. */
export const SCRATCH_PIECE_BYTES = 512 * 1024;
/** As many readers have a piece of memory each; the others go without. */
const BUFFERS_MAX = 96;

export class Scratch {
  readonly #free: Buffer[] = [];
  #made = 0;

  /** Undefined when all is in use. What is taken is given back once. */
  take(): Buffer | undefined {
    const free = this.#free.pop();
    if (free || this.#made === BUFFERS_MAX) return free;
    this.#made += 1;
    return Buffer.allocUnsafeSlow(SCRATCH_PIECE_BYTES + READ_SLACK_BYTES);
  }

  give(buffer: Buffer): void {
    this.#free.push(buffer);
  }
}

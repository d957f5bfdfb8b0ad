/**
 * A file that holds room in reserve. Deleting takes a little room before it gives any back, so on a disk that
 * is quite full the owner of the data folder releases the ballast, lets the deletes run, and restores it.
 */

import { writeError } from './deviceError.ts';
import type { Disk } from './disk.ts';

const NAME = 'ballast';

/**
 * What a batch of deletes may take: a commit of at most 4 MiB of writes copies several pages for each of them, and
 * what it replaces is free only two commits later. That is some 30 MiB in a large store.
 */
const LENGTH_BYTES_MAX = 64 << 20;
/** A store on a small disk has small trees: so much of it is enough, and not missed. */
const SHARE_OF_DISK = 1 / 32;
const LENGTH_BYTES_MIN = 1 << 20;

/** How long a ballast is to be on a disk of `diskBytes`. */
export function ballastBytes(diskBytes: number): number {
  const share = Math.floor(diskBytes * SHARE_OF_DISK);
  return Math.min(LENGTH_BYTES_MAX, Math.max(LENGTH_BYTES_MIN, share));
}

export class Ballast {
  readonly #disk: Disk;
  readonly #lengthBytes: number;

  constructor(options: { readonly disk: Disk; readonly lengthBytes: number }) {
    this.#disk = options.disk;
    this.#lengthBytes = options.lengthBytes;
  }

  /** How much room it has taken. */
  async heldBytes(): Promise<number> {
    return (await this.#disk.status(NAME))?.allocatedBytes ?? 0;
  }

  /**
   * Gives the room back to the file system. False when there was none to give.
   * @throws ExtentError Failed
   */
  async release(): Promise<boolean> {
    try {
      return await this.#disk.unlink(NAME);
    } catch (error) {
      throw await writeError(this.#disk, error, 'cannot release the ballast');
    }
  }

  /**
   * Takes the room again, unless it is held already. False when the disk has not twice as much: else it would be
   * full again at the next write.
   * @throws ExtentError Failed
   */
  async restore(): Promise<boolean> {
    try {
      await this.#disk.makeDirectory('');
      const held = await this.#disk.status(NAME);
      // A longer one was cut off in the middle of being taken.
      if (held?.sizeBytes === this.#lengthBytes && held.allocatedBytes >= this.#lengthBytes) return true;
      // Asked first, since it is cheap. But a quota, or what is kept for root, shows only when room is taken.
      const needed = 2 * this.#lengthBytes - (held?.allocatedBytes ?? 0);
      if ((await this.#disk.freeBytes()) < needed) return false;
      await this.#disk.unlink(NAME);
      await this.#take();
      return true;
    } catch (error) {
      const failure = await writeError(this.#disk, error, 'cannot restore the ballast');
      await this.#disk.unlink(NAME).catch(() => undefined);
      if (failure.code === 'Full') return false;
      throw failure;
    }
  }

  async #take(): Promise<void> {
    const file = await this.#disk.create(NAME, 'buffered');
    try {
      await file.allocate(2 * this.#lengthBytes);
      await file.truncate(this.#lengthBytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await this.#disk.syncDirectory('');
  }
}

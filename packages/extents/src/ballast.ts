/**
 * A file that holds room in reserve. Deleting takes a little room before it gives any back, so on a disk that
 * is quite full the owner of the data folder releases the ballast, lets the deletes run, and restores it.
 */

import { writeError } from './deviceError.ts';
import type { Disk } from './disk.ts';

const NAME = 'ballast';

export class Ballast {
  readonly #disk: Disk;
  readonly #lengthBytes: number;

  constructor(options: { readonly disk: Disk; readonly lengthBytes: number }) {
    this.#disk = options.disk;
    this.#lengthBytes = options.lengthBytes;
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
   * Takes the room again, unless it is held already. False when the disk is too full for it.
   * @throws ExtentError Failed
   */
  async restore(): Promise<boolean> {
    try {
      await this.#disk.makeDirectory('');
      const held = await this.#disk.status(NAME);
      if (held && held.allocatedBytes >= this.#lengthBytes) return true;
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
      await file.allocate(this.#lengthBytes);
      await file.sync();
    } finally {
      await file.close();
    }
    await this.#disk.syncDirectory('');
  }
}

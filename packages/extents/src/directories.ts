/** The durability of directory entries: which may be relied on, and one sync for many. */

import { type Disk, errorCode } from './disk.ts';

interface UnderWay {
  readonly sync: Promise<void>;
  /** The one after, for entries that the one under way may have missed. */
  next: Promise<void> | undefined;
}

/** Taken before an entry is made or removed, and given to {@link Directories.settle} after. */
export interface EntryChange {
  readonly directory: string;
  readonly failuresBefore: number;
}

export class Directories {
  readonly #disk: Disk;
  readonly #made = new Map<string, Promise<void>>();
  readonly #underWay = new Map<string, UnderWay>();
  /** Syncs of each directory that failed. */
  readonly #failures = new Map<string, number>();

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** Makes a directory of the root durably, unless it is known to exist. */
  ensure(directory: string): Promise<void> {
    const known = this.#made.get(directory);
    if (known) return known;
    const made = this.#make(directory);
    this.#made.set(directory, made);
    return made;
  }

  begin(directory: string): EntryChange {
    return { directory, failuresBefore: this.#failures.get(directory) ?? 0 };
  }

  /**
   * Resolves when the change is on stable storage. Any sync of the directory that failed since may have dropped
   * it, and a later one would succeed without it: then this fails too.
   */
  async settle(change: EntryChange): Promise<void> {
    await this.#sync(change.directory);
    if ((this.#failures.get(change.directory) ?? 0) === change.failuresBefore) return;
    const message = `EIO: a sync of ${change.directory} failed while the change was on its way`;
    throw Object.assign(new Error(message), { code: 'EIO' });
  }

  async #make(directory: string): Promise<void> {
    try {
      await this.#disk.makeDirectory('');
      await this.#disk.makeDirectory(directory);
    } catch (error) {
      this.#made.delete(directory);
      throw error;
    }
    // If this fails the directory stays unusable for the process: a second try would succeed without effect.
    await this.#disk.syncDirectory('');
  }

  #sync(directory: string): Promise<void> {
    const current = this.#underWay.get(directory);
    if (!current) return this.#start(directory);
    const start = () => this.#start(directory);
    current.next ??= current.sync.then(start, start);
    return current.next;
  }

  #start(directory: string): Promise<void> {
    const sync = this.#disk.syncDirectory(directory).catch((error: unknown) => {
      // A directory that does not exist has no entries to lose.
      if (errorCode(error) !== 'ENOENT')
        this.#failures.set(directory, (this.#failures.get(directory) ?? 0) + 1);
      throw error;
    });
    const underWay: UnderWay = { sync, next: undefined };
    this.#underWay.set(directory, underWay);
    const done = () => {
      if (!underWay.next) this.#underWay.delete(directory);
    };
    sync.then(done, done);
    return sync;
  }
}

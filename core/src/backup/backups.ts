import { FsError } from '../errors.ts';
import { Pace } from '../scrub/pace.ts';
import { type BackupParts, type BackupReport, backup } from './backup.ts';

export interface BackupOptions extends Pick<BackupParts, 'to' | 'smallFiles' | 'signal' | 'onProgress'> {
  readonly bytesPerSecond: number;
}

/** The backups of one store: one at a time. */
export class Backups {
  readonly #store: Omit<BackupParts, keyof BackupOptions | 'pace'>;
  #isRunning = false;

  constructor(store: Omit<BackupParts, keyof BackupOptions | 'pace'>) {
    this.#store = store;
  }

  /** @throws FsError Busy, and those of {@link backup} */
  async take({ bytesPerSecond, ...options }: BackupOptions): Promise<BackupReport> {
    if (this.#isRunning)
      throw new FsError('Busy', 'a backup of this store is under way: wait until it is over');
    this.#isRunning = true;
    try {
      return await backup({ ...this.#store, ...options, pace: new Pace({ bytesPerSecond }) });
    } finally {
      this.#isRunning = false;
    }
  }
}

/** Syncs a file while more is written to it, so that the sync at its end finds little to do. */

import type { DiskFile } from './disk.ts';

export class EarlySync {
  readonly #file: DiskFile;
  readonly #everyBytes: number;
  #unsyncedBytes = 0;
  #underWay: Promise<void> | undefined;
  /** Kept, since a file tells of bytes that could not be written once: the next sync says nothing of them. */
  #failure: { readonly reason: unknown } | undefined;

  constructor(file: DiskFile, everyBytes: number) {
    this.#file = file;
    this.#everyBytes = everyBytes;
  }

  /** To be told of bytes once they are written. Throws what an earlier sync failed with. */
  written(bytes: number): void {
    this.#throwFailure();
    this.#unsyncedBytes += bytes;
    // One at a time: a device that is slow to flush is asked to seldom.
    if (this.#unsyncedBytes < this.#everyBytes || this.#underWay) return;
    this.#unsyncedBytes = 0;
    this.#underWay = this.#sync();
  }

  /** Resolves when no sync is under way. Never rejects. */
  async settled(): Promise<void> {
    await this.#underWay;
  }

  /** As {@link settled}, and rejects with what a sync failed with. */
  async end(): Promise<void> {
    await this.#underWay;
    this.#throwFailure();
  }

  async #sync(): Promise<void> {
    try {
      await this.#file.sync();
    } catch (reason) {
      this.#failure ??= { reason };
    }
    this.#underWay = undefined;
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.reason;
  }
}

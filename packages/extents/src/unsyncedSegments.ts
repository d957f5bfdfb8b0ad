import type { DiskFile } from './disk.ts';

interface Unsynced {
  dirty: boolean;
  /** A sync is under way: closed now, its number may be another file's when the kernel gets to it. */
  syncing: boolean;
  /** Its segment is sealed: nothing is written any more. */
  ended: boolean;
}

/**
 * Segments to which bytes were written that only the journal has on stable storage. Each is synced through the
 * handle that wrote: another one may be told of a failure first, and this one then not at all.
 */
export class UnsyncedSegments {
  readonly #files = new Map<DiskFile, Unsynced>();
  #settled: Promise<void> = Promise.resolve();
  #failure: { readonly cause: unknown } | undefined;

  /** To be called when `file` was written to, and before a record says so. */
  written(file: DiskFile): void {
    const known = this.#files.get(file);
    if (known) known.dirty = true;
    else this.#files.set(file, { dirty: true, syncing: false, ended: false });
  }

  /** Closes the file when all that was written to it is synced. */
  async end(file: DiskFile): Promise<void> {
    const known = this.#files.get(file);
    if (known && (known.dirty || known.syncing)) known.ended = true;
    else await this.#close(file);
  }

  /**
   * Resolves when all that was written before is on stable storage. When a sync fails it and all later ones do: the
   * journal still has the bytes, and must not forget them.
   */
  settle(): Promise<void> {
    // One after the other: what one is syncing is not clean for the next.
    const settled = this.#settled.then(() => this.#syncAll());
    this.#settled = settled.catch(() => undefined);
    return settled;
  }

  async #syncAll(): Promise<void> {
    for (const [file, state] of [...this.#files]) {
      if (!state.dirty) continue;
      state.dirty = false;
      state.syncing = true;
      try {
        await file.sync();
      } catch (cause) {
        this.#failure ??= { cause };
      }
      state.syncing = false;
      if (state.ended && !state.dirty) await this.#close(file);
    }
    if (this.#failure !== undefined) throw this.#failure.cause;
  }

  async #close(file: DiskFile): Promise<void> {
    this.#files.delete(file);
    await file.close().catch(() => undefined);
  }
}

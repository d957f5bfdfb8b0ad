import type { FileHandle } from 'node:fs/promises';

/** Of those that LMDB has used. */
interface LastPage {
  readonly lastPage: number;
}

/** As LMDB calls it, in its folder. */
export const DATA_FILE = 'data.mdb';

export const PAGE_BYTES = 4096;
/** `st_blocks` counts in these, whatever the file system's own block size (POSIX sys/stat.h). */
const STAT_BLOCK_BYTES = 512;
const ZEROS_BYTES = 1 << 20;

export interface Run {
  readonly offset: number;
  readonly length: number;
}

/** Takes blocks for a run of a file, growing it. Rejects with an error's code where there are none. */
export type Allocate = (fd: number, run: Run) => Promise<void>;

/**
 * LMDB's file, beside LMDB. Behind its last page LMDB finds blocks that were allocated ahead: a commit that goes there
 * needs no room on the disk, now or when it is replayed.
 */
export class DataFile {
  readonly handle: FileHandle;
  readonly #allocate: Allocate | undefined;
  /** From the file's start, as far as is known. */
  #allocatedBytes: number;

  private constructor(handle: FileHandle, allocatedBytes: number, allocate: Allocate | undefined) {
    this.handle = handle;
    this.#allocatedBytes = allocatedBytes;
    this.#allocate = allocate;
  }

  /** @param allocate fallocate(2); unless told, zeros are written */
  static async of(handle: FileHandle, allocate?: Allocate): Promise<DataFile> {
    const { size, blocks } = await handle.stat();
    // Where something is missing in the middle, less is behind the last page.
    return new DataFile(handle, Math.min(size, blocks * STAT_BLOCK_BYTES), allocate);
  }

  /** What is allocated behind LMDB's last page. */
  tailBytes({ lastPage }: LastPage): number {
    return Math.max(0, this.#allocatedBytes - (lastPage + 1) * PAGE_BYTES);
  }

  /**
   * Makes the tail longer. To be called while LMDB writes nothing.
   * @throws ENOSPC and other errors of the disk; then all is as it was
   */
  async extend(usage: LastPage, bytes: number): Promise<void> {
    // Where LMDB went on by itself nothing of its may be written over.
    const offset = Math.max(this.#allocatedBytes, (usage.lastPage + 1) * PAGE_BYTES);
    const length = Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;
    try {
      await this.#take({ offset, length });
    } catch (error) {
      // Else the little room that there is would be kept from those for whom it is enough.
      await this.#cutBack(offset);
      throw error;
    }
    this.#allocatedBytes = offset + length;
  }

  async #take(run: Run): Promise<void> {
    try {
      if (this.#allocate) return await this.#allocate(this.handle.fd, run);
    } catch (error) {
      if (!isUnsupported(error)) throw error;
    }
    const zeros = Buffer.alloc(Math.min(run.length, ZEROS_BYTES));
    for (let done = 0; done < run.length; ) {
      const length = Math.min(zeros.length, run.length - done);
      done += (await this.handle.write(zeros, 0, length, run.offset + done)).bytesWritten;
    }
  }

  async #cutBack(length: number): Promise<void> {
    const { size } = await this.handle.stat();
    if (size > length) await this.handle.truncate(length).catch(() => undefined);
  }
}

function isUnsupported(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'EOPNOTSUPP' || code === 'ENOTSUP' || code === 'ENOSYS';
}

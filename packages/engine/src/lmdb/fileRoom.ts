import { statfs } from 'node:fs/promises';
import { isOutOfRoom } from '@facet/journal';
import {
  bytesAtMost,
  bytesInPages,
  type CommitNeeds,
  joined,
  NO_NEEDS,
  writesCountOf,
} from './commitNeeds.ts';
import { type DataFile, PAGE_BYTES } from './dataFile.ts';
import type { PinnedState } from './pinnedState.ts';
import type { UsageMeter } from './usageMeter.ts';

/** Of what LMDB may write between two checkpoints, which is less on a small disk. */
const STEP_SHARE = 1 / 4;

/** A list of free pages that is too long for half a page needs neighbours, too: so much for each page in it. */
const LISTED_PAGE_BYTES = 8;

export interface FileRoomParts {
  readonly path: string;
  readonly file: DataFile;
  readonly meter: UsageMeter;
  readonly growthBytesMax: number;
  /** What LMDB's open transaction is given at most: as much is made at once, that it need not be settled for room. */
  readonly gatheredWritesMax: number;
}

/**
 * Room in LMDB's own file for the commits to come: pages it may use again, and blocks allocated behind its last page.
 *
 * A commit that fits needs nothing of the disk, so that whoever else fills it, LMDB takes what is in the journal, now
 * and at the next start. It would bear a full disk, but lmdb-js 3.5.6 may not: where it says which page could not
 * be written it writes past the end of 100 bytes (`mdb_page_flush`, "Attempting to write page"), and the process
 * then ends by what that destroyed.
 *
 * What needs pages side by side may find none among those that are free, and then goes behind the last page: it has
 * to fit there.
 */
export class FileRoom {
  readonly #parts: FileRoomParts;

  constructor(parts: FileRoomParts) {
    this.#parts = parts;
  }

  /**
   * Whether it holds this beside what is in LMDB's open transaction, which may be settled to find out.
   * @param pinned the state that keeps the most pages from being used again
   */
  holds(needs: CommitNeeds, pinned: PinnedState): boolean {
    const { meter } = this.#parts;
    return (
      this.#missing(needs, pinned) <= 0 ||
      (writesCountOf(meter.since) > 0 && this.#missingExactly(needs, pinned) <= 0)
    );
  }

  /**
   * Makes it hold so much. To be called while LMDB writes nothing; what is in its open transaction is settled.
   * @throws ENOSPC, with the disk as it was, and other errors of the disk
   */
  async make(needs: CommitNeeds, pinned: PinnedState): Promise<void> {
    const { path, file, meter } = this.#parts;
    const missing = this.#missingExactly(needs, pinned);
    const { bavail, bsize } = await statfs(path);
    if (missing > bavail * bsize)
      throw Object.assign(new Error(`ENOSPC: a commit may take ${missing} bytes more`), { code: 'ENOSPC' });
    await file.extend(meter.asked, missing + this.#stepBytes()).catch((error: unknown) => {
      if (!isOutOfRoom(error)) throw error;
      // There may be room for as much as is needed.
      return file.extend(meter.asked, missing);
    });
  }

  #stepBytes(): number {
    const { meter, growthBytesMax, gatheredWritesMax } = this.#parts;
    const gathered = bytesAtMost({ ...NO_NEEDS, putsCount: gatheredWritesMax }, meter.asked.tree);
    return Math.min(gathered, growthBytesMax * STEP_SHARE);
  }

  #missingExactly(needs: CommitNeeds, pinned: PinnedState): number {
    this.#parts.meter.ask();
    return this.#missing(needs, pinned);
  }

  /** How much longer the tail must be; nothing when it is not positive. */
  #missing(needs: CommitNeeds, pinned: PinnedState): number {
    const { file, meter } = this.#parts;
    const { asked } = meter;
    const all = joined(meter.since, needs);
    // Of the pages taken since, those that made the file longer used none again.
    const taken = asked.takenBytes - pinned.usage.takenBytes;
    const grown = (asked.lastPage - pinned.usage.lastPage) * PAGE_BYTES;
    const reusable = Math.max(0, pinned.reusableBytes - Math.max(0, taken - grown));
    const listBytes = ((pinned.reusableBytes + taken) / PAGE_BYTES) * LISTED_PAGE_BYTES;
    const listRunBytes = listBytes * 2 > PAGE_BYTES ? bytesInPages(listBytes) : 0;
    const atMost = bytesAtMost(all, asked.tree) + bytesInPages(listBytes);
    return Math.max(atMost - reusable, all.runBytes + listRunBytes) - file.tailBytes(asked);
  }
}

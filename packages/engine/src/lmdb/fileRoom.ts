import { statfs } from 'node:fs/promises';
import { isOutOfRoom } from '@facet/journal';
import type { OwnWrite } from '../mergeRange.ts';
import { type DataFile, PAGE_BYTES } from './dataFile.ts';
import type { UsageMeter } from './pageUsage.ts';
import type { PinnedState } from './pinnedState.ts';

/** What any commit copies: the tops of the trees, and the list of free pages. */
const PAGES_PER_COMMIT = 8;
/** What a key may: its way down the tree, and a page that splits. */
const PAGES_PER_WRITE = 4;
/** After so many, ways down the tree have been copied already: a leaf is left, and one that splits off. */
const WRITES_APART_MAX = 64;
const PAGES_PER_FURTHER_WRITE = 2;
/** A smaller store has so few pages to copy that the bound is far too high: LMDB finds out by itself. */
const SMALL_STORE_BYTES = 1 << 20;
const STEP_BYTES_MAX = 1 << 20;
/** Of what LMDB may write between two checkpoints, which is less on a small disk. */
const STEP_SHARE = 1 / 16;

/** A value longer than half a page lies in pages of its own, behind a head of at most so much. */
const VALUE_HEAD_BYTES = 32;
/** A list of free pages that is too long for half a page needs neighbours, too: so much for each page in it. */
const LISTED_PAGE_BYTES = 8;

/** Of LMDB's file, at most. */
export interface CommitNeeds {
  readonly bytes: number;
  /** Of these what takes several pages side by side, which free pages here and there are not. */
  readonly runBytes: number;
}

/** What a commit of these writes takes. */
export function commitNeeds(writes: readonly OwnWrite[]): CommitNeeds {
  const apart = Math.min(writes.length, WRITES_APART_MAX);
  const further = writes.length - apart;
  let bytes = (PAGES_PER_COMMIT + PAGES_PER_WRITE * apart + PAGES_PER_FURTHER_WRITE * further) * PAGE_BYTES;
  let runBytes = 0;
  for (const { value } of writes) {
    if (value === undefined) continue;
    const valueBytes = pagesOf(value.length + VALUE_HEAD_BYTES) * PAGE_BYTES;
    bytes += valueBytes;
    if (valueBytes > PAGE_BYTES) runBytes += valueBytes;
  }
  return { bytes, runBytes };
}

function pagesOf(bytes: number): number {
  return Math.ceil(bytes / PAGE_BYTES);
}

export interface FileRoomParts {
  readonly path: string;
  readonly file: DataFile;
  readonly meter: UsageMeter;
  readonly growthBytesMax: number;
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
  readonly #stepBytes: number;

  constructor(parts: FileRoomParts) {
    this.#parts = parts;
    this.#stepBytes = Math.min(STEP_BYTES_MAX, parts.growthBytesMax * STEP_SHARE);
  }

  /** @param pinned the state that keeps the most pages from being used again */
  holds(needs: CommitNeeds, pinned: PinnedState): boolean {
    const { meter } = this.#parts;
    return (
      this.#missing(needs, pinned) <= 0 || (meter.sinceBytes > 0 && this.#missingExactly(needs, pinned) <= 0)
    );
  }

  /**
   * Makes it hold so much. To be called while LMDB writes nothing.
   * @throws ENOSPC, with the disk as it was, and other errors of the disk
   */
  async make(needs: CommitNeeds, pinned: PinnedState): Promise<void> {
    const { path, file, meter } = this.#parts;
    const missing = this.#missingExactly(needs, pinned);
    const { bavail, bsize } = await statfs(path);
    const enough = missing <= bavail * bsize;
    try {
      if (!enough)
        throw Object.assign(new Error(`ENOSPC: a commit may take ${needs.bytes} bytes`), { code: 'ENOSPC' });
      await file.extend(meter.asked, missing + this.#stepBytes).catch((error: unknown) => {
        if (!isOutOfRoom(error)) throw error;
        // There may be room for as much as is needed.
        return file.extend(meter.asked, missing);
      });
    } catch (error) {
      if (isOutOfRoom(error) && needs.runBytes === 0 && pinned.usedBytes < SMALL_STORE_BYTES) return;
      throw error;
    }
  }

  #missingExactly(needs: CommitNeeds, pinned: PinnedState): number {
    this.#parts.meter.ask();
    return this.#missing(needs, pinned);
  }

  /** How much longer the tail must be; nothing when it is not positive. */
  #missing({ bytes, runBytes }: CommitNeeds, pinned: PinnedState): number {
    const { file, meter } = this.#parts;
    const { asked } = meter;
    // Of the pages written since, those that made the file longer used none again.
    const written = asked.writtenPages - pinned.usage.writtenPages;
    const grown = asked.lastPage - pinned.usage.lastPage;
    const reusable = Math.max(0, pinned.reusableBytes - Math.max(0, written - grown) * PAGE_BYTES);
    const tail = file.tailBytes(asked) - meter.sinceBytes;
    const listedPages = pinned.reusableBytes / PAGE_BYTES + Math.max(0, written);
    const listBytes = listedPages * LISTED_PAGE_BYTES;
    const listRunBytes = listBytes * 2 > PAGE_BYTES ? pagesOf(listBytes + VALUE_HEAD_BYTES) * PAGE_BYTES : 0;
    return Math.max(bytes - reusable, runBytes + listRunBytes) - tail;
  }
}

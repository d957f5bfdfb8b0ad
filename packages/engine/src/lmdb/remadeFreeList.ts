/** LMDB's list of free pages, where it is wrong, made anew: of all pages that its tree of data does not lead to. */

import { freeRecordsOf, type PageRun } from './freeList.ts';
import { type FreeEntry, listedMax, replaceFreeTree } from './freeTree.ts';
import { HEADER_BYTES } from './page.ts';
import type { WalkedPages } from './pageCheck.ts';

/** Of its tree, which grows from there. */
const LEAVES_MAX = 16;

/**
 * What it says is durable when this returns, and until then the file is as it was.
 * @param walked of this file, whole, with nothing wrong in its data
 * @returns how many pages are free
 * @throws the system's errors
 */
export function remakeFreeList(fd: number, { header, ofData }: WalkedPages): number {
  const { transaction, pageSizeBytes } = header;
  const runs = freeRuns(ofData, header.usedPages + header.freePages);
  // Of transactions before, each: what the newest let go of is not used again while that is pinned.
  const most = Math.min(Number(transaction) - 1, listedMax(LEAVES_MAX, pageSizeBytes));
  const entries = recordsOf(runs, { pageBytes: pageSizeBytes, most }).map(
    (record, index): FreeEntry => ({ transaction: BigInt(index + 1), list: { record } }),
  );
  replaceFreeTree(fd, header, { entries, isDurable: true });
  return runs.reduce((sum, { count }) => sum + count, 0);
}

/** In their order. */
function freeRuns(ofData: Uint8Array, pages: number): readonly PageRun[] {
  const runs: PageRun[] = [];
  for (let first = 2; first < pages; ) {
    // What the file is too short for was never used.
    const next = ofData.indexOf(1, first);
    const end = next < 0 ? pages : Math.min(next, pages);
    if (end > first) runs.push({ first, count: end - first });
    const free = ofData.indexOf(0, end);
    first = free < 0 ? Math.max(end, ofData.length) : free;
  }
  return runs;
}

/** Each in as few pages as so many records allow. */
function recordsOf(
  runs: readonly PageRun[],
  { pageBytes, most }: { readonly pageBytes: number; readonly most: number },
): readonly Buffer[] {
  // Before the second transaction next to nothing can be free.
  if (most < 1) return [];
  for (let pages = 1; ; pages *= 2) {
    const records = freeRecordsOf(runs, pages * pageBytes - HEADER_BYTES);
    if (records.length <= most) return records;
  }
}

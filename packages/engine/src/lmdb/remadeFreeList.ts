/** LMDB's list of free pages, where it is wrong, made anew: of all pages that its tree of data does not lead to. */

import { freeRecordsOf, numbersOfRun, type PageRun, recordOf } from './freeList.ts';
import type { FreeEntry } from './freeTree.ts';
import { listedMax, type NewFreeTree, newFreeTree } from './newFreeTree.ts';
import { PAGE_HEADER_BYTES } from './page.ts';
import type { WalkedPages } from './pageCheck.ts';

/** Of its tree, which grows from there. */
const LEAVES_MAX = 16;

export interface RemadeList {
  readonly tree: NewFreeTree;
  /** That are free. */
  readonly pages: number;
}

/** @param walked of the file, whole, with nothing wrong in its data */
export function remadeFreeList({ header, ofData, ofFreePages }: WalkedPages): RemadeList {
  const { transaction, pageSizeBytes, usedPages, freePages } = header;
  // A journal's base may still have the old list: its pages stay as they are while that state is pinned.
  const old = runsOf(ofFreePages, { mark: 1, pages: ofFreePages.length });
  const inUse = ofData.map((isUsed, page) => isUsed | (ofFreePages[page] ?? 0));
  const runs = runsOf(inUse, { mark: 0, pages: usedPages + freePages });
  // Of transactions before, each.
  const most = Math.min(Number(transaction) - 1, listedMax({ leaves: LEAVES_MAX, pageBytes: pageSizeBytes }));
  const entries = recordsOf(runs, { pageBytes: pageSizeBytes, most }).map(
    (record, index): FreeEntry => ({ transaction: BigInt(index + 1), list: { record } }),
  );
  if (old.length > 0) entries.push({ transaction, list: { record: recordOf(old.flatMap(numbersOfRun)) } });
  const listed = [...(most < 1 ? [] : runs), ...old];
  return { tree: newFreeTree(entries, header), pages: listed.reduce((sum, { count }) => sum + count, 0) };
}

interface Marked {
  readonly mark: 0 | 1;
  readonly pages: number;
}

/** Pages that are marked so, but the first two, in their order. What the file is too short for is marked 0. */
function runsOf(marks: Uint8Array, { mark, pages }: Marked): readonly PageRun[] {
  const runs: PageRun[] = [];
  let first: number | undefined;
  for (let page = 2; page <= pages; page++) {
    const isMarked = page < pages && (marks[page] ?? 0) === mark;
    if (isMarked) first ??= page;
    else if (first !== undefined) {
      runs.push({ first, count: page - first });
      first = undefined;
    }
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
    const records = freeRecordsOf(runs, pages * pageBytes - PAGE_HEADER_BYTES);
    if (records.length <= most) return records;
  }
}

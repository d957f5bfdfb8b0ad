/**
 * LMDB's list of free pages, packed: it is a tree, and as long as that has two levels it is kept right.
 *
 * A commit writes the list with a cursor that LMDB does not know of (`mdb_freelist_save`, mdb.c of lmdb-js 3.5.6): where a record
 * that comes splits the tree's root, that cursor goes by two levels where there are three, and what it then removes is not what it
 * should. Pages in use are listed as free. A root of 4 KiB holds 226 leaves, each with as few as two records, and each
 * transaction that lets go of more pages than it takes adds one.
 *
 * Records of transactions side by side become one, of the latest of them: what is listed is used again no earlier than before,
 * whoever reads what. So it can be done between any two transactions, without LMDB, which reads where its trees are each time that it begins
 * one; and keeps nothing of the list in memory (see database.ts).
 */

import { numbersOf, numbersOfRun, type PageRun, recordOf } from './freeList.ts';
import { type FreeEntry, listedMax, readFreeTree, recordIn, replaceFreeTree } from './freeTree.ts';
import type { Header } from './header.ts';
import { HEADER_BYTES, NUMBER_BYTES } from './page.ts';

/** With more leaves than these it is packed. */
export const LEAVES_LONG = 48;

/** With more than these LMDB is not let at it. */
export const LEAVES_MAX = 192;

/**
 * Of the newest transaction's state. To be called while LMDB writes nothing; unless told, what it says is not synced.
 * @returns how many pages that took, behind the last one
 * @throws RangeError when the list is damaged
 */
export function packFreeList(
  fd: number,
  header: Header,
  { isDurable = false }: { readonly isDurable?: boolean } = {},
): number {
  const { pageSizeBytes, transaction } = header;
  const { entries, pages } = readFreeTree(fd, header);
  const before = entries.filter((entry) => entry.transaction < transaction);
  const newest = entries.slice(before.length);
  const { kept, left } = joined(fd, before, pageSizeBytes);
  // While the state is pinned that the old tree is of, nobody uses its pages.
  const given = [...pages.map((first) => ({ first, count: 1 })), ...left, ...runsOf(newest)];
  const numbers = newest.flatMap((entry) => numbersOf(recordIn(fd, entry, pageSizeBytes)));
  const own = { transaction, list: { record: recordOf([...numbers, ...given.flatMap(numbersOfRun)]) } };
  return replaceFreeTree(fd, header, { entries: [...kept, own], isDurable });
}

interface Joined {
  readonly kept: readonly FreeEntry[];
  /** What those were in that are not. */
  readonly left: readonly PageRun[];
}

function joined(fd: number, entries: readonly FreeEntry[], pageBytes: number): Joined {
  const bytesMax = recordBytes(entries, pageBytes);
  const numbersMax = Math.floor(bytesMax / NUMBER_BYTES) - 1;
  const kept: FreeEntry[] = [];
  const left: PageRun[] = [];
  let numbers: number[] = [];
  let transaction = 0n;
  const flush = (): void => {
    if (numbers.length > 0) kept.push({ transaction, list: { record: recordOf(numbers) } });
    numbers = [];
  };
  for (const entry of entries) {
    // It stays where it lies.
    const isLong = 'run' in entry.list && entry.list.run.valueBytes > bytesMax / 2;
    const more = isLong ? [] : numbersOf(recordIn(fd, entry, pageBytes));
    if (isLong || numbers.length + more.length > numbersMax) flush();
    if (isLong) kept.push(entry);
    else left.push(...runsOf([entry]));
    for (const number of more) numbers.push(number);
    transaction = entry.transaction;
  }
  flush();
  return { kept, left };
}

function runsOf(entries: readonly FreeEntry[]): readonly PageRun[] {
  return entries.flatMap(({ list }) =>
    'run' in list ? [{ first: list.run.first, count: list.run.pages }] : [],
  );
}

/** So long that few enough list all of it: a page, unless very much is free. */
function recordBytes(entries: readonly FreeEntry[], pageBytes: number): number {
  const most = listedMax(LEAVES_LONG / 2, pageBytes);
  let bytes = 0;
  for (const { list } of entries) bytes += 'record' in list ? list.record.length : list.run.valueBytes;
  let pages = 1;
  while (bytes / (pages * pageBytes) > most) pages *= 2;
  return pages * pageBytes - HEADER_BYTES;
}

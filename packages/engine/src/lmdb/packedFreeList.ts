/**
 * LMDB's list of free pages, packed: it is a tree, and as long as that has two levels it is kept right.
 *
 * A commit writes the list with a cursor that LMDB does not know of (`mdb_freelist_save`, mdb.c of lmdb-js 3.5.6): where a record
 * that comes splits the tree's root, that cursor goes by two levels where there are three, and what it then removes is not what it
 * should. Pages in use are listed as free. A root of 4 KiB holds 226 leaves, each with as few as two records, and each
 * transaction that lets go of more pages than it takes adds one.
 *
 * Short records become one, of the latest of their transactions: what is listed is used again no earlier than before, whoever
 * reads what. So it can be done between any two transactions, without LMDB, which reads where its trees are each time that it begins
 * one; and keeps nothing of the list in memory (see database.ts).
 */

import { NUMBER_BYTES, numbersOfRun, type PageRun, recordOf } from './freeList.ts';
import { type FreeEntry, numbersIn, readFreeTree } from './freeTree.ts';
import type { Header } from './header.ts';
import { listedMax, type NewFreeTree, newFreeTree } from './newFreeTree.ts';
import { PAGE_HEADER_BYTES } from './page.ts';

/** With more leaves than these it is packed. */
export const LEAVES_LONG = 48;

/** With more than these LMDB is not let at it. */
export const LEAVES_MAX = 192;

/**
 * Of the newest transaction's state.
 * @param pinned transactions, of states that are: what may be used again while one is, is not joined with what may not
 * @throws RangeError when the list is damaged
 */
export function packedFreeList(fd: number, header: Header, pinned: readonly bigint[]): NewFreeTree {
  const { pageSizeBytes, transaction } = header;
  const { entries, pages } = readFreeTree(fd, header);
  const joining = new Joining(fd, header, bytesOfRecord(entries, pageSizeBytes));
  const newest = entries.filter((entry) => entry.transaction === transaction);
  let last = 0n;
  for (const entry of entries.slice(0, entries.length - newest.length)) {
    if (pinned.some((pin) => last < pin && pin <= entry.transaction)) joining.flush();
    joining.add(entry);
    last = entry.transaction;
  }
  joining.flush();
  // While the state is pinned that the old tree is of, nobody uses its pages.
  const left = [...pages.map((first) => ({ first, count: 1 })), ...joining.left, ...newest.flatMap(runsOf)];
  const numbers = newest.flatMap((entry) => numbersIn(fd, entry, header));
  const own = { transaction, list: { record: recordOf([...numbers, ...left.flatMap(numbersOfRun)]) } };
  const inOrder = joining.kept.toSorted((one, other) => Number(one.transaction - other.transaction));
  return newFreeTree([...inOrder, own], header);
}

class Joining {
  readonly kept: FreeEntry[] = [];
  /** What those were in that are not kept. */
  readonly left: PageRun[] = [];
  readonly #fd: number;
  readonly #header: Header;
  readonly #bytesMax: number;
  #numbers: number[] = [];
  #transaction = 0n;

  constructor(fd: number, header: Header, bytesMax: number) {
    this.#fd = fd;
    this.#header = header;
    this.#bytesMax = bytesMax;
  }

  /** Later ones than before. A long one stays where it lies. */
  add(entry: FreeEntry): void {
    if ('run' in entry.list && entry.list.run.valueBytes > this.#bytesMax / 2) {
      this.kept.push(entry);
      return;
    }
    const more = numbersIn(this.#fd, entry, this.#header);
    if ((1 + this.#numbers.length + more.length) * NUMBER_BYTES > this.#bytesMax) this.flush();
    for (const number of more) this.#numbers.push(number);
    this.left.push(...runsOf(entry));
    this.#transaction = entry.transaction;
  }

  flush(): void {
    if (this.#numbers.length > 0)
      this.kept.push({ transaction: this.#transaction, list: { record: recordOf(this.#numbers) } });
    this.#numbers = [];
  }
}

function runsOf({ list }: FreeEntry): readonly PageRun[] {
  return 'run' in list ? [{ first: list.run.first, count: list.run.pages }] : [];
}

/** So long that few enough list all of it: a page, unless very much is free. */
function bytesOfRecord(entries: readonly FreeEntry[], pageBytes: number): number {
  const most = listedMax({ leaves: LEAVES_LONG / 2, pageBytes });
  let bytes = 0;
  for (const { list } of entries) bytes += 'record' in list ? list.record.length : list.run.valueBytes;
  let pages = 1;
  while (bytes / (pages * pageBytes) > most) pages *= 2;
  return pages * pageBytes - PAGE_HEADER_BYTES;
}

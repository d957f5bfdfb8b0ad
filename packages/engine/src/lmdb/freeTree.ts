/**
 * The tree that LMDB lists its free pages in, read without LMDB: a record for each transaction that let go of pages. Readers of the
 * data never look at it.
 */

import { fstatSync, readSync } from 'node:fs';
import { freeRunsOf, NUMBER_BYTES, numbersOfRun } from './freeList.ts';
import { type Header, NO_PAGE } from './header.ts';
import {
  BRANCH,
  DEPTH_MAX,
  IN_RUN,
  isRun,
  LEAF,
  type Node,
  nodesOf,
  PAGE_HEADER_BYTES,
  pagesOfRun,
  runIn,
  type ValueRun,
  wide,
} from './page.ts';

/** Under the number of the transaction: what it let go of may be used again when no reader is as old. */
export interface FreeEntry {
  readonly transaction: bigint;
  /** It lies in a leaf, or where nothing else refers to. */
  readonly list: { readonly record: Buffer } | { readonly run: ValueRun };
}

export interface FreeTree {
  /** In the order of their transactions. */
  readonly entries: readonly FreeEntry[];
  /** Its branches and leaves. */
  readonly pages: readonly number[];
}

/** @throws RangeError when it is damaged */
export function readFreeTree(fd: number, header: Header): FreeTree {
  const { root, depth } = header.trees.freePages;
  const reading = new Reading(fd, header);
  if (root !== NO_PAGE) reading.walk(Number(root), depth);
  return reading;
}

class Reading implements FreeTree {
  readonly entries: FreeEntry[] = [];
  readonly pages: number[] = [];
  readonly #fd: number;
  readonly #header: Header;

  constructor(fd: number, header: Header) {
    this.#fd = fd;
    this.#header = header;
  }

  walk(page: number, levels: number): void {
    if (levels < 1 || levels > DEPTH_MAX) throw new RangeError(`the list of free pages has ${levels} levels`);
    const { pageSizeBytes, usedPages } = this.#header;
    if (this.pages.push(page) > usedPages)
      throw new RangeError('the list of free pages leads back to itself');
    const bytes = readPages(this.#fd, { page, bytes: pageSizeBytes }, pageSizeBytes);
    const nodes = nodesOf(bytes, page, levels === 1 ? LEAF : BRANCH);
    if (typeof nodes === 'string') throw new RangeError(`page ${page} of the list of free pages: ${nodes}`);
    for (const node of nodes) {
      if (levels > 1) this.walk(node.child, levels - 1);
      else this.#note(bytes, node);
    }
  }

  #note(bytes: Buffer, node: Node): void {
    const { key, flags, at, length } = node;
    const transaction = key.length === NUMBER_BYTES ? wide(key, 0) : 0n;
    if (transaction <= (this.entries.at(-1)?.transaction ?? 0n))
      throw new RangeError('the records of the list of free pages are not in order');
    if (flags !== IN_RUN)
      this.entries.push({ transaction, list: { record: bytes.subarray(at, at + length) } });
    else this.entries.push({ transaction, list: { run: this.#sound(runIn(bytes, node)) } });
  }

  #sound(run: ValueRun): ValueRun {
    const { pageSizeBytes, usedPages, freePages } = this.#header;
    const { first, pages, valueBytes } = run;
    const isSound =
      pages >= pagesOfRun({ valueBytes, pageBytes: pageSizeBytes }) && first + pages <= usedPages + freePages;
    if (isSound) return run;
    throw new RangeError(`a record of the list of free pages can not be in ${pages} pages from ${first}`);
  }
}

/** @throws RangeError when it is damaged */
export function recordIn(fd: number, { list }: FreeEntry, pageBytes: number): Buffer {
  if ('record' in list) return list.record;
  const { first, pages, valueBytes } = list.run;
  const bytes = readPages(fd, { page: first, bytes: pageBytes }, PAGE_HEADER_BYTES + valueBytes);
  if (!isRun(bytes, { first, count: pages }))
    throw new RangeError(
      `page ${first} is not the run of ${pages} that a record of the list of free pages is in`,
    );
  return bytes.subarray(PAGE_HEADER_BYTES);
}

/** The numbers of a record. @throws RangeError when it is damaged, or lists what can not be free */
export function numbersIn(fd: number, entry: FreeEntry, header: Header): readonly number[] {
  const numbers: number[] = [];
  for (const run of freeRunsOf(recordIn(fd, entry, header.pageSizeBytes))) {
    const isThere = run.first >= 2 && run.first + run.count <= header.usedPages + header.freePages;
    if (!isThere)
      throw new RangeError(`${run.count} pages from ${run.first} are listed as free, which can not be`);
    numbers.push(...numbersOfRun(run));
  }
  return numbers;
}

/** Reads all of it. Whether what it lists is in use only a walk of the data can say. @throws RangeError when it is damaged */
export function checkFreeTree(fd: number, header: Header): void {
  for (const entry of readFreeTree(fd, header).entries) numbersIn(fd, entry, header);
}

function readPages(
  fd: number,
  { page, bytes }: { readonly page: number; readonly bytes: number },
  length: number,
): Buffer {
  // Looked at before memory is taken: what a damaged node says of a length may be 4 GiB.
  if (fstatSync(fd).size < page * bytes + length)
    throw new RangeError(`the metadata ends before page ${page} does`);
  const read = Buffer.alloc(length);
  readSync(fd, read, 0, length, page * bytes);
  return read;
}

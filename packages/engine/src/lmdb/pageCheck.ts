/**
 * Checks LMDB's pages, without LMDB: it believes what a page says of itself, and what is damaged there may end the
 * process by a segmentation fault, or hide records that nobody misses.
 *
 * Every page that the newest transaction's trees lead to is looked at: that it is the page it should be, of no later
 * transaction, that its nodes lie within it and beside each other, and that its keys are in order and between those that
 * led to it. What the records say their seals prove. And that no page is in use that is listed as free, which the next
 * transaction would write over.
 */

import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { DATA_FILE } from './dataFile.ts';
import { freeRunsOf, type PageRun } from './freeList.ts';
import { type Header, NO_PAGE, readNewestHeader, type Tree } from './header.ts';
import {
  asNumbers,
  BRANCH,
  DEPTH_MAX,
  IN_RUN,
  isRun,
  LEAF,
  type Node,
  nodesOf,
  PAGE_HEADER_BYTES,
  pagesOfRun,
  RUN_PAGES_OFFSET,
  TRANSACTION_OFFSET,
  wide,
} from './page.ts';

export interface DamagedPage {
  readonly page: number;
  readonly reason: string;
  /** It is the list of free pages that is wrong, which can be made anew: the records are not. */
  readonly isOfFreePages?: true;
}

/**
 * Of the file in `path`, which nobody writes to meanwhile.
 * @param options `msMax`: what was not looked at by then is not
 * @throws RangeError when there is no LMDB file; the system's errors
 */
export async function checkPages(
  path: string,
  onDamaged: (damaged: DamagedPage) => void,
  options: { readonly msMax?: number } = {},
): Promise<void> {
  const handle = await open(join(path, DATA_FILE), 'r').catch((error: NodeJS.ErrnoException) => {
    // A new store has none.
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (handle === undefined) return;
  try {
    await walkPages(handle, onDamaged, options);
  } finally {
    await handle.close();
  }
}

export interface WalkedPages {
  readonly header: Header;
  /** For each page of the file 1 when the tree of data leads to it. */
  readonly ofData: Uint8Array;
  /** Or only that of free pages. */
  readonly ofFreePages: Uint8Array;
  /** Nothing was left out for lack of time. */
  readonly isWhole: boolean;
}

/** As {@link checkPages}. @returns undefined of a file that nothing was written to */
export async function walkPages(
  handle: FileHandle,
  onDamaged: (damaged: DamagedPage) => void,
  { msMax = Number.POSITIVE_INFINITY }: { readonly msMax?: number } = {},
): Promise<WalkedPages | undefined> {
  const { size } = await handle.stat();
  if (size === 0) return undefined;
  const header = await readNewestHeader(handle);
  if (header === undefined) throw new RangeError('there is no metadata');
  const { pageSizeBytes, transaction, trees } = header;
  const file = {
    handle,
    transaction,
    pageBytes: pageSizeBytes,
    pages: Math.floor(size / pageSizeBytes),
    numberedPages: header.usedPages + header.freePages,
  };
  const check = new PageCheck(file, onDamaged, performance.now() + msMax);
  const walk = async (
    { root, depth }: Tree,
    how: Pick<Subtree, 'inOrder' | 'ofFreePages'>,
  ): Promise<void> => {
    if (root !== NO_PAGE) await check.tree({ page: Number(root), levels: depth, ...how });
  };
  // What both lead to is the data's, then.
  await walk(trees.data, { inOrder: Buffer.compare, ofFreePages: false });
  const ofData = check.met;
  await walk(trees.freePages, { inOrder: asNumbers, ofFreePages: true });
  check.free();
  const ofFreePages = check.met.map((isMet, page) => isMet & ~(ofData[page] ?? 0));
  return { header, ofData, ofFreePages, isWhole: !check.isLate };
}

interface Subtree {
  readonly page: number;
  /** Down to the leaves, both counted. */
  readonly levels: number;
  /** Negative, 0, or positive, as keys of the tree are in order. */
  readonly inOrder: (one: Buffer, other: Buffer) => number;
  readonly ofFreePages: boolean;
  /** No key of it is less. */
  readonly from?: Buffer;
  /** All its keys are less. */
  readonly before?: Buffer | undefined;
}

const pagesNamed = (first: number, count: number): string =>
  count === 1 ? `page ${first}` : `pages ${first} to ${first + count - 1}`;

interface CheckedFile {
  readonly handle: FileHandle;
  /** The newest. */
  readonly transaction: bigint;
  readonly pageBytes: number;
  readonly pages: number;
  /** The file may be shorter by pages at its end that are free. */
  readonly numberedPages: number;
}

class PageCheck {
  readonly #file: CheckedFile;
  readonly #onDamaged: (damaged: DamagedPage) => void;
  readonly #met: Uint8Array;
  readonly #free: Uint8Array;
  readonly #endMs: number;
  #isLate = false;

  constructor(file: CheckedFile, onDamaged: (damaged: DamagedPage) => void, endMs: number) {
    this.#file = file;
    this.#onDamaged = onDamaged;
    this.#endMs = endMs;
    this.#met = new Uint8Array(file.pages);
    this.#free = new Uint8Array(file.pages);
  }

  async tree(subtree: Subtree): Promise<void> {
    if (this.#hasNoTime()) return;
    const { page, levels, inOrder, ofFreePages } = subtree;
    const damaged = (reason: string): void =>
      this.#onDamaged({ page, reason, ...(ofFreePages && { isOfFreePages: true }) });
    const reason = levels < 1 || levels > DEPTH_MAX ? `a tree of ${levels} levels` : this.#meet(page, 1);
    if (reason !== undefined) return damaged(reason);
    const bytes = await this.#read(page, this.#file.pageBytes);
    const nodes = this.#ageOf(bytes) ?? nodesOf(bytes, page, levels === 1 ? LEAF : BRANCH);
    const wrong = typeof nodes === 'string' ? nodes : orderOf(nodes, subtree);
    if (typeof nodes === 'string' || wrong !== undefined) return damaged(wrong ?? 'it is damaged');
    for (const [index, node] of nodes.entries()) {
      if (levels === 1) {
        const reason = (await this.#value(bytes, node)) ?? (ofFreePages && (await this.#listed(bytes, node)));
        if (reason) damaged(reason);
      } else {
        const from = index === 0 ? subtree.from : node.key;
        const before = nodes[index + 1]?.key ?? subtree.before;
        const below = { page: node.child, levels: levels - 1, inOrder, ofFreePages };
        await this.tree({ ...below, before, ...(from && { from }) });
      }
    }
  }

  /** A copy: the pages that trees lead to, as far as they were walked. */
  get met(): Uint8Array {
    return this.#met.slice();
  }

  get isLate(): boolean {
    return this.#isLate;
  }

  /** When all trees were walked. Of a walk that had no time for all of them it says nothing. */
  free(): void {
    if (this.#hasNoTime()) return;
    for (const [page, isFree] of this.#free.entries())
      if (isFree === 1 && this.#met[page] === 1)
        this.#onDamaged({ page, reason: 'it is in use, and listed as free', isOfFreePages: true });
  }

  #hasNoTime(): boolean {
    this.#isLate ||= performance.now() > this.#endMs;
    return this.#isLate;
  }

  /** Of a leaf: the run of pages that a long value is in. @returns what is wrong with it */
  async #value(bytes: Buffer, node: Node): Promise<string | undefined> {
    if (node.flags === 0) return undefined;
    return node.flags === IN_RUN ? this.#run(bytes, node) : `flags ${node.flags} of a record`;
  }

  /** A record of the list of free pages. @returns what is wrong with it */
  async #listed(bytes: Buffer, { flags, length, at }: Node): Promise<string | undefined> {
    const record =
      flags === IN_RUN
        ? await read(
            this.#file.handle,
            Number(wide(bytes, at)) * this.#file.pageBytes + PAGE_HEADER_BYTES,
            length,
          )
        : bytes.subarray(at, at + length);
    try {
      for (const run of freeRunsOf(record)) {
        const reason = this.#list(run);
        if (reason !== undefined) return reason;
      }
      return undefined;
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return `no list of free pages: ${error.message}`;
    }
  }

  #list({ first, count }: PageRun): string | undefined {
    const { numberedPages, pages } = this.#file;
    if (first < 2 || count > numberedPages || first + count > numberedPages)
      return `${pagesNamed(first, count)} can not be free, of pages 2 to ${numberedPages - 1}`;
    // What the file says of its length may be damaged, too: it is not gone by where memory is taken.
    for (let page = first; page < Math.min(first + count, pages); page++) {
      if (this.#free[page] === 1) return `page ${page} is listed as free twice`;
      this.#free[page] = 1;
    }
    return undefined;
  }

  async #run(bytes: Buffer, { length, at }: Node): Promise<string | undefined> {
    const first = Number(wide(bytes, at));
    const count = Number(wide(bytes, at + RUN_PAGES_OFFSET));
    const needed = pagesOfRun({ valueBytes: length, pageBytes: this.#file.pageBytes });
    if (count < needed) return `a value of ${length} bytes in ${count} pages`;
    const reason = this.#meet(first, count);
    if (reason !== undefined) return reason;
    const head = await this.#read(first, PAGE_HEADER_BYTES);
    const age = this.#ageOf(head);
    if (age !== undefined) return `page ${first}: ${age}`;
    return isRun(head, { first, count })
      ? undefined
      : `page ${first} is not the run of ${count} that a value is in`;
  }

  /**
   * A page that says that it is of a transaction to come would be taken for that one's own, and be written to in its place.
   *
   * @returns what is wrong with that
   */
  #ageOf(header: Buffer): string | undefined {
    const [of, newest] = [wide(header, TRANSACTION_OFFSET), this.#file.transaction];
    return of > newest ? `it says it is of transaction ${of}, the newest is ${newest}` : undefined;
  }

  /** Notes that pages are in use. @returns what is wrong with that */
  #meet(first: number, count: number): string | undefined {
    const pages = Math.min(this.#file.pages, this.#file.numberedPages);
    if (first < 2 || count > pages || first + count > pages)
      return `${pagesNamed(first, count)} can not be in the tree, which has pages 2 to ${pages - 1}`;
    for (let page = first; page < first + count; page++) {
      if (this.#met[page] === 1) return `page ${page} is in two places of the tree`;
      this.#met[page] = 1;
    }
    return undefined;
  }

  #read(page: number, length: number): Promise<Buffer> {
    return read(this.#file.handle, page * this.#file.pageBytes, length);
  }
}

/** @returns what is wrong with the order of the keys. The first of a branch is not looked at by anybody. */
function orderOf(nodes: readonly Node[], { levels, inOrder, from, before }: Subtree): string | undefined {
  const keys = nodes.slice(levels === 1 ? 0 : 1).map(({ key }) => key);
  for (const [index, key] of keys.entries()) {
    const previous = keys[index - 1];
    if (previous !== undefined && inOrder(previous, key) >= 0) return `its keys are not in order`;
    if ((from && inOrder(key, from) < 0) || (before && inOrder(key, before) >= 0))
      return `its key ${key.toString('hex')} is not between those that lead to it`;
  }
  return undefined;
}

async function read(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position);
  if (bytesRead < length) throw new RangeError(`the metadata ends at ${position + bytesRead}`);
  return buffer;
}

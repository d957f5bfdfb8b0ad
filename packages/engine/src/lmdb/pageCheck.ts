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
import { KEY_BYTES_MAX } from '../contract.ts';
import { freeRunsOf, type PageRun } from './freeList.ts';
import { NO_PAGE, readNewestHeader } from './header.ts';

/** Page header: number (8), transaction (8), pad (2), flags (2), lower (2), upper (2); or pages (4) of a run. */
const HEADER_BYTES = 24;
const TRANSACTION_OFFSET = 8;
const FLAGS_OFFSET = 18;
const LOWER_OFFSET = 20;
const UPPER_OFFSET = 22;
const KIND_MASK = 0x2f;
const BRANCH = 0x01;
const LEAF = 0x02;
const OVERFLOW = 0x04;
/** Node: length of the value or page (4, and the flags of a branch's), flags (2), length of the key (2), key, value. */
const NODE_BYTES = 8;
const NODE_FLAGS_OFFSET = 4;
const KEY_LENGTH_OFFSET = 6;
/** The value is a run of pages: its first (8), transaction (8), how many (8). */
const IN_RUN = 0x01;
const RUN_BYTES = 24;
const RUN_PAGES_OFFSET = 16;
/** In a meta page: of the trees of free pages and of data the depth (2) and the root (8). */
const TREES = [
  { depthOffset: 54, rootOffset: 88, inOrder: asNumbers, ofFreePages: true },
  { depthOffset: 102, rootOffset: 136, inOrder: Buffer.compare, ofFreePages: false },
] as const;
const META_BYTES = 168;
const NUMBER_BYTES = 8;
/** What no tree of 2^64 pages has. */
const DEPTH_MAX = 32;

export interface DamagedPage {
  readonly page: number;
  readonly reason: string;
}

/**
 * Of the file in `path`, which nobody writes to meanwhile.
 * @param options `msMax`: what was not looked at by then is not
 * @throws RangeError when there is no LMDB file; the system's errors
 */
export async function checkPages(
  path: string,
  onDamaged: (damaged: DamagedPage) => void,
  { msMax = Number.POSITIVE_INFINITY }: { readonly msMax?: number } = {},
): Promise<void> {
  const handle = await open(join(path, 'data.mdb'), 'r').catch((error: NodeJS.ErrnoException) => {
    // A new store has none.
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (handle === undefined) return;
  try {
    const { size } = await handle.stat();
    if (size === 0) return;
    const header = await readNewestHeader(handle);
    if (header === undefined) throw new RangeError(`${path} holds no metadata`);
    const { pageSizeBytes, transaction } = header;
    const meta = await read(handle, Number(transaction & 1n) * pageSizeBytes, META_BYTES);
    const pages = Math.floor(size / pageSizeBytes);
    const file = {
      handle,
      transaction,
      pageBytes: pageSizeBytes,
      pages,
      numberedPages: header.usedPages + header.freePages,
    };
    const check = new PageCheck(file, onDamaged, performance.now() + msMax);
    for (const { depthOffset, rootOffset, ...how } of TREES) {
      const root = wide(meta, rootOffset);
      if (root === NO_PAGE) continue;
      await check.tree({ page: Number(root), levels: short(meta, depthOffset), ...how });
    }
    check.free();
  } finally {
    await handle.close();
  }
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

interface Node {
  /** Where it lies in the page. */
  readonly start: number;
  readonly end: number;
  readonly key: Buffer;
  readonly flags: number;
  /** Of the value. */
  readonly length: number;
  /** Of the value, in the page. */
  readonly at: number;
  /** Of a branch. */
  readonly child: number;
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

  constructor(file: CheckedFile, onDamaged: (damaged: DamagedPage) => void, endMs: number) {
    this.#file = file;
    this.#onDamaged = onDamaged;
    this.#endMs = endMs;
    this.#met = new Uint8Array(file.pages);
    this.#free = new Uint8Array(file.pages);
  }

  async tree(subtree: Subtree): Promise<void> {
    if (performance.now() > this.#endMs) return;
    const { page, levels, inOrder, ofFreePages } = subtree;
    const reason = levels < 1 || levels > DEPTH_MAX ? `a tree of ${levels} levels` : this.#meet(page, 1);
    if (reason !== undefined) {
      this.#onDamaged({ page, reason });
      return;
    }
    const bytes = await this.#read(page, this.#file.pageBytes);
    const nodes = this.#ageOf(bytes) ?? nodesOf(bytes, page, levels === 1 ? LEAF : BRANCH);
    const wrong = typeof nodes === 'string' ? nodes : orderOf(nodes, subtree);
    if (typeof nodes === 'string' || wrong !== undefined) {
      this.#onDamaged({ page, reason: wrong ?? 'it is damaged' });
      return;
    }
    for (const [index, node] of nodes.entries()) {
      if (levels === 1) {
        const isSound = await this.#value(page, bytes, node);
        if (isSound && ofFreePages) await this.#listed(page, bytes, node);
      } else {
        const from = index === 0 ? subtree.from : node.key;
        const before = nodes[index + 1]?.key ?? subtree.before;
        const below = { page: node.child, levels: levels - 1, inOrder, ofFreePages };
        await this.tree({ ...below, before, ...(from && { from }) });
      }
    }
  }

  /** When all trees were walked. Of a walk that had no time for all of them it says nothing. */
  free(): void {
    if (performance.now() > this.#endMs) return;
    for (const [page, isFree] of this.#free.entries())
      if (isFree === 1 && this.#met[page] === 1)
        this.#onDamaged({ page, reason: 'it is in use, and listed as free' });
  }

  /** Of a leaf: the run of pages that a long value is in. @returns whether nothing is wrong with it */
  async #value(page: number, bytes: Buffer, node: Node): Promise<boolean> {
    if (node.flags === 0) return true;
    const reason = node.flags === IN_RUN ? await this.#run(bytes, node) : `flags ${node.flags} of a record`;
    if (reason !== undefined) this.#onDamaged({ page, reason });
    return reason === undefined;
  }

  /** A record of the list of free pages. */
  async #listed(page: number, bytes: Buffer, { flags, length, at }: Node): Promise<void> {
    const record =
      flags === IN_RUN
        ? await read(this.#file.handle, Number(wide(bytes, at)) * this.#file.pageBytes + HEADER_BYTES, length)
        : bytes.subarray(at, at + length);
    try {
      for (const run of freeRunsOf(record)) {
        const reason = this.#list(run);
        if (reason !== undefined) return this.#onDamaged({ page, reason });
      }
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      this.#onDamaged({ page, reason: `no list of free pages: ${error.message}` });
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
    const needed = Math.floor((HEADER_BYTES - 1 + length) / this.#file.pageBytes) + 1;
    if (count < needed) return `a value of ${length} bytes in ${count} pages`;
    const reason = this.#meet(first, count);
    if (reason !== undefined) return reason;
    const head = await this.#read(first, HEADER_BYTES);
    const age = this.#ageOf(head);
    if (age !== undefined) return `page ${first}: ${age}`;
    const isRun =
      wide(head, 0) === BigInt(first) &&
      (short(head, FLAGS_OFFSET) & KIND_MASK) === OVERFLOW &&
      long(head, LOWER_OFFSET) === count;
    return isRun ? undefined : `page ${first} is not the run of ${count} that a value is in`;
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
    if (first < 2 || count > this.#file.pages || first + count > this.#file.pages)
      return `${pagesNamed(first, count)} can not be in the tree, which has pages 2 to ${this.#file.pages - 1}`;
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

/** @returns what is wrong with the page */
function nodesOf(bytes: Buffer, page: number, kind: number): readonly Node[] | string {
  if (wide(bytes, 0) !== BigInt(page)) return `it says it is page ${wide(bytes, 0)}`;
  if ((short(bytes, FLAGS_OFFSET) & KIND_MASK) !== kind)
    return `its flags are ${short(bytes, FLAGS_OFFSET)}, of another kind than is looked for`;
  const lower = short(bytes, LOWER_OFFSET) + HEADER_BYTES;
  const upper = short(bytes, UPPER_OFFSET) + HEADER_BYTES;
  if (lower % 2 !== 0 || lower > upper || upper > bytes.length) return `its nodes end at ${lower}, ${upper}`;
  if (lower === HEADER_BYTES) return 'it has no nodes';
  const nodes: Node[] = [];
  for (let pointer = HEADER_BYTES; pointer < lower; pointer += 2) {
    const node = nodeAt(bytes, { at: short(bytes, pointer) + HEADER_BYTES, upper, kind });
    if (node === undefined) return `its node ${nodes.length} reaches out of it`;
    nodes.push(node);
  }
  return overlapOf(nodes) ?? nodes;
}

/** To remove a node moves what lies before it by its length: by too much, where that flipped, and over others. */
function overlapOf(nodes: readonly Node[]): string | undefined {
  const inPlace = nodes.toSorted((one, other) => one.start - other.start);
  for (const [index, { start, end }] of inPlace.entries()) {
    const next = inPlace[index + 1]?.start ?? end;
    if (end > next) return `its node at ${start} reaches into the one at ${next}`;
  }
  return undefined;
}

function nodeAt(
  bytes: Buffer,
  { at, upper, kind }: { readonly at: number; readonly upper: number; readonly kind: number },
): Node | undefined {
  const keyAt = at + NODE_BYTES;
  if (at < upper || keyAt > bytes.length) return undefined;
  const flags = short(bytes, at + NODE_FLAGS_OFFSET);
  const keyEnd = keyAt + short(bytes, at + KEY_LENGTH_OFFSET);
  const length = long(bytes, at);
  const inPage = kind === BRANCH ? 0 : flags === IN_RUN ? RUN_BYTES : length;
  const end = keyEnd + inPage;
  if (keyEnd - keyAt > KEY_BYTES_MAX || end > bytes.length) return undefined;
  const child = flags * 2 ** 32 + length;
  return { start: at, end, key: bytes.subarray(keyAt, keyEnd), flags, length, at: keyEnd, child };
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

// In the machine's byte order, as LMDB writes: no machine that Node 26 runs on here is big-endian.
const short = (bytes: Buffer, at: number): number => bytes.readUInt16LE(at);
const long = (bytes: Buffer, at: number): number => bytes.readUInt32LE(at);
const wide = (bytes: Buffer, at: number): bigint => bytes.readBigUInt64LE(at);

/** Free pages are noted under the transaction that let go of them: a number, as the machine has it. */
function asNumbers(one: Buffer, other: Buffer): number {
  if (one.length !== NUMBER_BYTES || other.length !== NUMBER_BYTES) return 1;
  const [first, second] = [wide(one, 0), wide(other, 0)];
  return first < second ? -1 : Number(first > second);
}

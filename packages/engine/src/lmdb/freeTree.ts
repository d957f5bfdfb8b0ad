/**
 * The tree that LMDB lists its free pages in, read and written without LMDB: a record for each transaction that let go of pages.
 * Readers of the data never look at it.
 */

import { fdatasyncSync, readSync, writeSync } from 'node:fs';
import { type Header, LAST_PAGE_OFFSET, META_BYTES, NO_PAGE, TREE_FIELDS, TREE_OFFSETS } from './header.ts';
import {
  BRANCH,
  HEADER_BYTES,
  IN_RUN,
  LEAF,
  type NewNode,
  type NewPage,
  NODE_BYTES,
  NUMBER_BYTES,
  nodesOf,
  RUN_BYTES,
  runIn,
  runPages,
  treePage,
  type ValueRun,
  wide,
} from './page.ts';

/** Of a record in pages of its own, in a leaf: its place there (2), node, key and run. */
const LISTED_BYTES = 2 + NODE_BYTES + NUMBER_BYTES + RUN_BYTES;
/** Of a leaf in a branch: its place there (2), node and key. */
const BRANCHED_BYTES = 2 + NODE_BYTES + NUMBER_BYTES;

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

/** How many long records a tree of so many leaves can list. */
export function listedMax(leaves: number, pageBytes: number): number {
  return leaves * Math.floor((pageBytes - HEADER_BYTES) / LISTED_BYTES);
}

/** @throws RangeError when it is damaged */
export function readFreeTree(fd: number, { pageSizeBytes, trees }: Header): FreeTree {
  const { root, depth } = trees.freePages;
  const entries: FreeEntry[] = [];
  const pages: number[] = [];
  const walk = (page: number, levels: number): void => {
    const bytes = Buffer.alloc(pageSizeBytes);
    readSync(fd, bytes, 0, bytes.length, page * pageSizeBytes);
    const nodes = nodesOf(bytes, page, levels === 1 ? LEAF : BRANCH);
    if (typeof nodes === 'string') throw new RangeError(`page ${page} of the list of free pages: ${nodes}`);
    pages.push(page);
    for (const { key, flags, child, at, length } of nodes) {
      if (levels > 1) walk(child, levels - 1);
      else if (flags === IN_RUN)
        entries.push({ transaction: wide(key, 0), list: { run: runIn(bytes, { at, length }) } });
      else entries.push({ transaction: wide(key, 0), list: { record: bytes.subarray(at, at + length) } });
    }
  };
  if (root !== NO_PAGE) walk(Number(root), depth);
  return { entries, pages };
}

export function recordIn(fd: number, { list }: FreeEntry, pageBytes: number): Buffer {
  if ('record' in list) return list.record;
  const record = Buffer.alloc(list.run.valueBytes);
  readSync(fd, record, 0, record.length, list.run.first * pageBytes + HEADER_BYTES);
  return record;
}

/**
 * Puts another tree in its place, in the state of the newest transaction, with its pages behind the last one.
 * @param options `isDurable`: what it says is, when this returns, and until then the file is as it was
 * @returns how many pages that took
 */
export function replaceFreeTree(
  fd: number,
  header: Header,
  { entries, isDurable = false }: { readonly entries: readonly FreeEntry[]; readonly isDurable?: boolean },
): number {
  const { pageSizeBytes, transaction } = header;
  const firstPage = header.usedPages + header.freePages;
  const tree = treeOf(entries, { transaction, pageBytes: pageSizeBytes, firstPage });
  const pages = tree.bytes.length / pageSizeBytes;
  writeAll(fd, tree.bytes, firstPage * pageSizeBytes);
  if (isDurable) fdatasyncSync(fd);
  const position = Number(transaction & 1n) * pageSizeBytes;
  const meta = Buffer.alloc(META_BYTES);
  readSync(fd, meta, 0, meta.length, position);
  noteTree(meta, tree);
  meta.writeBigUInt64LE(BigInt(firstPage + pages - 1), LAST_PAGE_OFFSET);
  writeAll(fd, meta, position);
  if (isDurable) fdatasyncSync(fd);
  return pages;
}

/** @throws ENOSPC and other errors of the disk */
function writeAll(fd: number, bytes: Buffer, position: number): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, position + at);
}

interface NewTree {
  /** All its pages, side by side. */
  readonly bytes: Buffer;
  readonly root: bigint;
  readonly depth: number;
  readonly branchPages: number;
  readonly leafPages: number;
  readonly overflowPages: number;
  readonly entries: number;
}

interface TreePlace {
  readonly transaction: bigint;
  readonly pageBytes: number;
  /** Where it begins. */
  readonly firstPage: number;
}

/** The records that are new first, then the leaves, and branches above them until there is one page. */
function treeOf(entries: readonly FreeEntry[], place: TreePlace): NewTree {
  const pages = new NewPages(place);
  let overflowPages = 0;
  let level = entries.map(({ transaction, list }): NewNode => {
    const run = 'run' in list ? list.run : pages.appendValue(list.record);
    overflowPages += run.pages;
    return { key: numberKey(transaction), flags: IN_RUN, run };
  });
  const counts: number[] = [];
  let perPage = listedMax(1, place.pageBytes);
  while (level.length > 1 || (counts.length === 0 && level.length === 1)) {
    level = pages.appendLevel(level, perPage);
    counts.push(level.length);
    perPage = Math.floor((place.pageBytes - HEADER_BYTES) / BRANCHED_BYTES);
  }
  const [leafPages = 0, ...branches] = counts;
  return {
    bytes: pages.bytes,
    root: counts.length === 0 ? NO_PAGE : BigInt(pages.next - 1),
    depth: counts.length,
    branchPages: branches.reduce((sum, count) => sum + count, 0),
    leafPages,
    overflowPages,
    entries: entries.length,
  };
}

class NewPages {
  readonly #place: TreePlace;
  readonly #parts: Buffer[] = [];
  #next: number;

  constructor(place: TreePlace) {
    this.#place = place;
    this.#next = place.firstPage;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }

  get next(): number {
    return this.#next;
  }

  appendValue(value: Buffer): ValueRun {
    const bytes = runPages(this.#to(), value);
    return {
      first: this.#append(bytes),
      pages: bytes.length / this.#place.pageBytes,
      valueBytes: value.length,
    };
  }

  /** Pages of so many nodes each. @returns the nodes that lead to them */
  appendLevel(nodes: readonly NewNode[], perPage: number): NewNode[] {
    const above: NewNode[] = [];
    for (let at = 0; at < nodes.length; at += perPage) {
      const those = nodes.slice(at, at + perPage);
      const key = those[0]?.key ?? Buffer.alloc(0);
      above.push({ key, flags: 0, child: this.#append(treePage(this.#to(), those)) });
    }
    return above;
  }

  #to(): NewPage {
    return { page: this.#next, transaction: this.#place.transaction, bytes: this.#place.pageBytes };
  }

  #append(bytes: Buffer): number {
    const first = this.#next;
    this.#parts.push(bytes);
    this.#next += bytes.length / this.#place.pageBytes;
    return first;
  }
}

function numberKey(number: bigint): Buffer {
  const key = Buffer.alloc(NUMBER_BYTES);
  key.writeBigUInt64LE(number);
  return key;
}

function noteTree(meta: Buffer, tree: NewTree): void {
  const at = TREE_OFFSETS.freePages;
  meta.writeUInt16LE(tree.depth, at + TREE_FIELDS.depth);
  for (const count of ['branchPages', 'leafPages', 'overflowPages', 'entries'] as const)
    meta.writeBigUInt64LE(BigInt(tree[count]), at + TREE_FIELDS[count]);
  meta.writeBigUInt64LE(tree.root, at + TREE_FIELDS.root);
}

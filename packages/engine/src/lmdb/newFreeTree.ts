/** A tree of free pages, written without LMDB behind the last page of its file. */

import { fdatasyncSync, writeSync } from 'node:fs';
import { NUMBER_BYTES } from './freeList.ts';
import type { FreeEntry } from './freeTree.ts';
import { type Header, LAST_PAGE_OFFSET, NO_PAGE, TREE_BYTES, TREE_FIELDS, TREE_OFFSETS } from './header.ts';
import {
  IN_RUN,
  type NewNode,
  type NewPage,
  NODE_BYTES,
  PAGE_HEADER_BYTES,
  RUN_BYTES,
  runPages,
  treePage,
  type ValueRun,
} from './page.ts';

/** Of a record in pages of its own, in a leaf: its place there (2), node, key and run. */
const LISTED_BYTES = 2 + NODE_BYTES + NUMBER_BYTES + RUN_BYTES;
/** Of a leaf in a branch: its place there (2), node and key. */
const BRANCHED_BYTES = 2 + NODE_BYTES + NUMBER_BYTES;

/** How many long records a tree can list. */
export function listedMax({
  leaves,
  pageBytes,
}: {
  readonly leaves: number;
  readonly pageBytes: number;
}): number {
  return leaves * Math.floor((pageBytes - PAGE_HEADER_BYTES) / LISTED_BYTES);
}

/**
 * Makes it the newest transaction's. Who has the file open may be about to read: of the meta page nothing is written but the tree,
 * which readers never look at, and before it, whole, the number of the last page.
 * @param tree of this header
 * @param options `isDurable`: what it says is, when this returns, and until then the file is as it was
 * @throws ENOSPC and other errors of the disk
 */
export function putFreeTree(
  fd: number,
  header: Header,
  { tree, isDurable = false }: { readonly tree: NewFreeTree; readonly isDurable?: boolean },
): void {
  const { pageSizeBytes, transaction } = header;
  writeAll(fd, tree.bytes, tree.firstPage * pageSizeBytes);
  if (isDurable) fdatasyncSync(fd);
  const meta = Number(transaction & 1n) * pageSizeBytes;
  writeAll(
    fd,
    numberKey(BigInt(tree.firstPage + tree.bytes.length / pageSizeBytes - 1)),
    meta + LAST_PAGE_OFFSET,
  );
  writeAll(fd, fieldsOf(tree), meta + TREE_OFFSETS.freePages + TREE_FIELDS.depth);
  if (isDurable) fdatasyncSync(fd);
}

function writeAll(fd: number, bytes: Buffer, position: number): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at, bytes.length - at, position + at);
}

/** All of them but its flags, which stay. */
function fieldsOf(tree: NewFreeTree): Buffer {
  const fields = Buffer.alloc(TREE_BYTES);
  fields.writeUInt16LE(tree.depth, TREE_FIELDS.depth);
  for (const count of ['branchPages', 'leafPages', 'overflowPages', 'entries'] as const)
    fields.writeBigUInt64LE(BigInt(tree[count]), TREE_FIELDS[count]);
  fields.writeBigUInt64LE(tree.root, TREE_FIELDS.root);
  return fields.subarray(TREE_FIELDS.depth);
}

export interface NewFreeTree {
  readonly firstPage: number;
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
export function newFreeTree(entries: readonly FreeEntry[], header: Header): NewFreeTree {
  const { transaction, pageSizeBytes: pageBytes, usedPages, freePages } = header;
  const place = { transaction, pageBytes, firstPage: usedPages + freePages };
  const pages = new NewPages(place);
  let overflowPages = 0;
  let level = entries.map(({ transaction, list }): NewNode => {
    const run = 'run' in list ? list.run : pages.appendValue(list.record);
    overflowPages += run.pages;
    return { key: numberKey(transaction), flags: IN_RUN, run };
  });
  const counts: number[] = [];
  let perPage = listedMax({ leaves: 1, pageBytes });
  while (level.length > 1 || (counts.length === 0 && level.length === 1)) {
    level = pages.appendLevel(level, perPage);
    counts.push(level.length);
    perPage = Math.floor((pageBytes - PAGE_HEADER_BYTES) / BRANCHED_BYTES);
  }
  const [leafPages = 0, ...branches] = counts;
  return {
    firstPage: place.firstPage,
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

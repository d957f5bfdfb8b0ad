/** What LMDB's two meta pages say of the file. */

import { readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { PAGE_BYTES } from './dataFile.ts';

/** Layout of LMDB's two meta pages, in the machine's byte order: no machine that Node 26 runs on here is big-endian. */
const MAGIC_OFFSET = 24;
const VERSION_OFFSET = 28;
const PAGE_SIZE_OFFSET = 48;
/** Of the two trees, of free pages and of data. */
export const TREE_OFFSETS = { freePages: 48, data: 96 } as const;
/** Of a tree its depth (2), the numbers of its branch, leaf and overflow pages and of its entries, and its root page. */
export const TREE_FIELDS = {
  depth: 6,
  branchPages: 8,
  leafPages: 16,
  overflowPages: 24,
  entries: 32,
  root: 40,
} as const;
export const TREE_BYTES = 48;
export const LAST_PAGE_OFFSET = 144;
const TRANSACTION_OFFSET = 152;
const HEADER_BYTES = 160;
/** With the id of the boot that LMDB writes behind it. */
export const META_BYTES = 168;
/** The root of a tree that is empty. */
export const NO_PAGE = 2n ** 64n - 1n;
const META_PAGES = 2;
const MAGIC = 0xbeefc0de;
export const VERSION = 2;

export interface Tree {
  /** Of an empty one {@link NO_PAGE}. */
  readonly root: bigint;
  /** From its root to a leaf, both counted. */
  readonly depth: number;
  readonly branchPages: number;
  readonly leafPages: number;
  readonly overflowPages: number;
}

export interface Header {
  readonly pageSizeBytes: number;
  readonly transaction: bigint;
  /** The file has at least as many: free ones at its end may never have been written. */
  readonly pages: number;
  readonly usedPages: number;
  /** Taken at one time or another, and in no use now. */
  readonly freePages: number;
  readonly trees: { readonly freePages: Tree; readonly data: Tree };
}

/** The newer of the two; undefined when they are not both there. */
export async function readNewestHeader(handle: FileHandle): Promise<Header | undefined> {
  return (await readHeaders(handle))?.newest;
}

export async function readHeaders(
  handle: FileHandle,
): Promise<{ readonly newest: Header; readonly older: Header } | undefined> {
  const first = await readHeader(handle, 0);
  const second = first && (await readHeader(handle, first.pageSizeBytes));
  if (first === undefined || second === undefined) return undefined;
  const isSecond = second.transaction > first.transaction;
  return isSecond ? { newest: second, older: first } : { newest: first, older: second };
}

async function readHeader(handle: FileHandle, at: number): Promise<Header | undefined> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, at);
  if (bytesRead < HEADER_BYTES) return undefined;
  if (buffer.readUInt32LE(MAGIC_OFFSET) !== MAGIC || buffer.readUInt32LE(VERSION_OFFSET) !== VERSION)
    return undefined;
  const trees = {
    freePages: treeIn(buffer, TREE_OFFSETS.freePages),
    data: treeIn(buffer, TREE_OFFSETS.data),
  };
  let usedPages = META_PAGES;
  let highest = BigInt(META_PAGES);
  for (const { root, branchPages, leafPages, overflowPages } of Object.values(trees)) {
    usedPages += branchPages + leafPages + overflowPages;
    if (root !== NO_PAGE && root >= highest) highest = root + 1n;
  }
  return {
    pageSizeBytes: buffer.readUInt32LE(PAGE_SIZE_OFFSET),
    transaction: buffer.readBigUInt64LE(TRANSACTION_OFFSET),
    pages: Math.max(usedPages, Number(highest)),
    usedPages,
    freePages: Number(buffer.readBigUInt64LE(LAST_PAGE_OFFSET)) + 1 - usedPages,
    trees,
  };
}

function treeIn(page: Buffer, at: number): Tree {
  return {
    root: page.readBigUInt64LE(at + TREE_FIELDS.root),
    depth: page.readUInt16LE(at + TREE_FIELDS.depth),
    branchPages: Number(page.readBigUInt64LE(at + TREE_FIELDS.branchPages)),
    leafPages: Number(page.readBigUInt64LE(at + TREE_FIELDS.leafPages)),
    overflowPages: Number(page.readBigUInt64LE(at + TREE_FIELDS.overflowPages)),
  };
}

const bothPages = Buffer.alloc(PAGE_BYTES + HEADER_BYTES);

/** Of the tree of free pages, as the newest transaction left it, how many leaves it has. Here and now: in microseconds. */
export function freeLeavesIn(fd: number): number {
  // A new file has none.
  if (readSync(fd, bothPages, 0, bothPages.length, 0) < bothPages.length) return 0;
  const isSecond =
    bothPages.readBigUInt64LE(PAGE_BYTES + TRANSACTION_OFFSET) >
    bothPages.readBigUInt64LE(TRANSACTION_OFFSET);
  const at = (isSecond ? PAGE_BYTES : 0) + TREE_OFFSETS.freePages + TREE_FIELDS.leafPages;
  return bothPages.readUInt32LE(at);
}

/** What LMDB's two meta pages say of the file. */

import type { FileHandle } from 'node:fs/promises';

/** Layout of LMDB's two meta pages, in the machine's byte order. */
const MAGIC_OFFSET = 24;
const VERSION_OFFSET = 28;
const PAGE_SIZE_OFFSET = 48;
/** Two trees, free pages and data: for each the numbers of its branch, leaf and overflow pages, and its root page. */
const TREE_OFFSETS = [48, 96] as const;
const TREE_COUNTS_OFFSET = 8;
const TREE_ROOT_OFFSET = 40;
const LAST_PAGE_OFFSET = 144;
const TRANSACTION_OFFSET = 152;
const HEADER_BYTES = 160;
/** The root of a tree that is empty. */
export const NO_PAGE = 2n ** 64n - 1n;
const META_PAGES = 2;
const MAGIC = 0xbeefc0de;
export const VERSION = 2;

export interface Header {
  readonly pageSizeBytes: number;
  readonly transaction: bigint;
  /** The file has at least as many: free ones at its end may never have been written. */
  readonly pages: number;
  readonly usedPages: number;
  /** Taken at one time or another, and in no use now. */
  readonly freePages: number;
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
  const fields = new Uint32Array(buffer.buffer, buffer.byteOffset, HEADER_BYTES / 4);
  if (fields[MAGIC_OFFSET / 4] !== MAGIC || fields[VERSION_OFFSET / 4] !== VERSION) return undefined;
  const wide = new BigUint64Array(buffer.buffer, buffer.byteOffset, HEADER_BYTES / 8);
  const wideAt = (offset: number): bigint => wide[offset / 8] ?? 0n;
  let used = BigInt(META_PAGES);
  let highest = BigInt(META_PAGES);
  for (const tree of TREE_OFFSETS) {
    for (const kind of [0, 8, 16]) used += wideAt(tree + TREE_COUNTS_OFFSET + kind);
    const root = wideAt(tree + TREE_ROOT_OFFSET);
    if (root !== NO_PAGE && root >= highest) highest = root + 1n;
  }
  return {
    pageSizeBytes: fields[PAGE_SIZE_OFFSET / 4] ?? 0,
    transaction: wideAt(TRANSACTION_OFFSET),
    pages: Number(used > highest ? used : highest),
    usedPages: Number(used),
    freePages: Number(wideAt(LAST_PAGE_OFFSET) + 1n - used),
  };
}

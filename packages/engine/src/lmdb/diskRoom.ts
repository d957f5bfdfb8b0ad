import { statfsSync } from 'node:fs';
import type { OwnWrite } from '../mergeRange.ts';

const PAGE_BYTES = 4096;
/** What any commit copies: the tops of the trees, and the list of free pages. */
const PAGES_PER_COMMIT = 8;
/** What a key may: its way down the tree, and a page that splits. */
const PAGES_PER_WRITE = 4;
/** A smaller store has so few pages to copy that this would refuse far too much: LMDB finds out by itself. */
const SMALL_STORE_BYTES = 1 << 20;

export interface FileRoom {
  readonly reusableBytes: number;
  readonly usedBytes: number;
}

/**
 * Refuses writes that a full disk might not take, before LMDB meets it. It would bear that, but lmdb-js 3.5.6 may not:
 * where it says which page could not be written it writes past the end of 100 bytes (`mdb_page_flush`, "Attempting to
 * write page"), and the process then ends by what that destroyed.
 * @param file of LMDB's: what it may use again at least, and what is in use
 * @throws Error with code ENOSPC
 */
export function checkDiskRoom(path: string, writes: readonly OwnWrite[], file: FileRoom): void {
  const { reusableBytes, usedBytes } = file;
  if (usedBytes < SMALL_STORE_BYTES) return;
  const pages = PAGES_PER_COMMIT + PAGES_PER_WRITE * writes.length;
  const neededBytes = writes.reduce((sum, { value }) => sum + (value?.length ?? 0), pages * PAGE_BYTES);
  if (reusableBytes >= neededBytes) return;
  const { bavail, bsize } = statfsSync(path);
  if (bavail * bsize + Math.max(0, reusableBytes) >= neededBytes) return;
  throw Object.assign(new Error(`ENOSPC: a commit may take ${neededBytes} bytes`), { code: 'ENOSPC' });
}

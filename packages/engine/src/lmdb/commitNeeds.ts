import type { OwnWrite } from '../mergeRange.ts';
import { PAGE_BYTES } from './dataFile.ts';

/** What any commit copies or adds: the tree of free pages, a root of its own for a tree that grows. */
const PAGES_PER_COMMIT = 8;
/** A page of the list of those given up holds so many. */
const LISTED_PER_PAGE = 256;
/** A value longer than half a page lies in pages of its own, between a head and its seal: at most so much. */
const VALUE_HEAD_BYTES = 32;

/** Of the tree that a transaction begins with. */
export interface TreeShape {
  /** From its root to a leaf, both counted; nothing of an empty one. */
  readonly depth: number;
  readonly branchPages: number;
  readonly leafPages: number;
}

/** What one transaction of LMDB writes. */
export interface CommitNeeds {
  readonly putsCount: number;
  readonly removesCount: number;
  /** Of the values, in whole pages. */
  readonly valueBytes: number;
  /** Of these what takes several pages side by side, which free pages here and there are not. */
  readonly runBytes: number;
}

export const NO_NEEDS: CommitNeeds = { putsCount: 0, removesCount: 0, valueBytes: 0, runBytes: 0 };

export function commitNeeds(writes: readonly OwnWrite[]): CommitNeeds {
  let putsCount = 0;
  let valueBytes = 0;
  let runBytes = 0;
  for (const { value } of writes) {
    if (value === undefined) continue;
    putsCount += 1;
    const bytes = bytesInPages(value.length);
    valueBytes += bytes;
    if (bytes > PAGE_BYTES) runBytes += bytes;
  }
  return { putsCount, removesCount: writes.length - putsCount, valueBytes, runBytes };
}

export function writesCountOf({ putsCount, removesCount }: CommitNeeds): number {
  return putsCount + removesCount;
}

/** Both in one transaction. */
export function joined(a: CommitNeeds, b: CommitNeeds): CommitNeeds {
  return {
    putsCount: a.putsCount + b.putsCount,
    removesCount: a.removesCount + b.removesCount,
    valueBytes: a.valueBytes + b.valueBytes,
    runBytes: a.runBytes + b.runBytes,
  };
}

/**
 * Of LMDB's file, at most. A write copies its way down the tree, unless it was copied already; one that removes may bring
 * the neighbour in at each step of it, to be joined with. A put may split each page of its way, and add a step to it, but
 * one that was split has room: no more are split than were on the ways, and one for each put.
 */
export function bytesAtMost(needs: CommitNeeds, { depth, branchPages, leafPages }: TreeShape): number {
  const { putsCount, removesCount, valueBytes } = needs;
  const branches = Math.max(0, depth - 1);
  const ways = putsCount + 2 * removesCount;
  const copied = Math.min(leafPages, ways) + Math.min(branchPages, ways * branches);
  const split = putsCount + Math.min(putsCount * (branches + 1), branchPages + putsCount);
  const pages = PAGES_PER_COMMIT + copied + split;
  return (pages + Math.ceil(pages / LISTED_PER_PAGE)) * PAGE_BYTES + valueBytes;
}

/**
 * Of pages that a transaction took and did not write, at most: what a removal copied and then merged away, and what long
 * values took that others of the same keys replaced. While a state is pinned nobody may use those again.
 */
export function bytesDroppedAtMost({ removesCount, runBytes }: CommitNeeds, { depth }: TreeShape): number {
  return 2 * removesCount * (depth + 1) * PAGE_BYTES + runBytes;
}

/** Of the pages that so many bytes take with the head before them. */
export function bytesInPages(bytes: number): number {
  return Math.ceil((bytes + VALUE_HEAD_BYTES) / PAGE_BYTES) * PAGE_BYTES;
}

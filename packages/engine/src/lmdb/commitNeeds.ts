import type { OwnWrite } from '../mergeRange.ts';
import { PAGE_BYTES } from './dataFile.ts';

/** What any commit copies: the tops of the trees, and the list of free pages. */
const PAGES_PER_COMMIT = 8;
/** What a key may: its way down the tree, and a page that splits. */
const PAGES_PER_WRITE = 4;
/** After so many, ways down the tree have been copied already: a leaf is left, and one that splits off. */
const WRITES_APART_MAX = 64;
const PAGES_PER_FURTHER_WRITE = 2;

/** A value longer than half a page lies in pages of its own, behind a head of at most so much. */
const VALUE_HEAD_BYTES = 32;

/** What one transaction of LMDB writes. */
export interface CommitNeeds {
  readonly writesCount: number;
  /** Of the values, in whole pages. */
  readonly valueBytes: number;
  /** Of these what takes several pages side by side, which free pages here and there are not. */
  readonly runBytes: number;
}

export const NO_NEEDS: CommitNeeds = { writesCount: 0, valueBytes: 0, runBytes: 0 };

export function commitNeeds(writes: readonly OwnWrite[]): CommitNeeds {
  let valueBytes = 0;
  let runBytes = 0;
  for (const { value } of writes) {
    if (value === undefined) continue;
    const bytes = bytesInPages(value.length);
    valueBytes += bytes;
    if (bytes > PAGE_BYTES) runBytes += bytes;
  }
  return { writesCount: writes.length, valueBytes, runBytes };
}

/** Both in one transaction. */
export function joined(a: CommitNeeds, b: CommitNeeds): CommitNeeds {
  return {
    writesCount: a.writesCount + b.writesCount,
    valueBytes: a.valueBytes + b.valueBytes,
    runBytes: a.runBytes + b.runBytes,
  };
}

/** Of LMDB's file, at most. */
export function bytesAtMost({ writesCount, valueBytes }: CommitNeeds): number {
  const apart = Math.min(writesCount, WRITES_APART_MAX);
  const further = writesCount - apart;
  const pages = PAGES_PER_COMMIT + PAGES_PER_WRITE * apart + PAGES_PER_FURTHER_WRITE * further;
  return pages * PAGE_BYTES + valueBytes;
}

/** Of the pages that so many bytes take with the head before them. */
export function bytesInPages(bytes: number): number {
  return Math.ceil((bytes + VALUE_HEAD_BYTES) / PAGE_BYTES) * PAGE_BYTES;
}

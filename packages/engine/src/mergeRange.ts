import type { Bytes, Entry, KeyRange } from './contract.ts';
import type { Snapshot } from './snapshot.ts';

/** A write that has not reached the state below yet; `undefined` deletes. */
export interface OwnWrite {
  readonly key: Bytes;
  readonly value: Bytes | undefined;
}

/** The range as it is with `own`, the writes in it, in ascending order of keys. */
export function rangeOver(base: Snapshot, range: KeyRange, own: readonly OwnWrite[]): readonly Entry[] {
  if (own.length === 0) return base.range(range);
  // Each own delete hides at most one entry below, so this many are enough to fill the limit.
  const hidden = own.filter(({ value }) => value === undefined).length;
  const below = base.range({ ...range, limit: range.limit + hidden });
  return merge(range.reverse === true ? own.toReversed() : own, below, range);
}

/** Both lists run in the range's direction; where both hold a key, the own write wins. */
function merge(own: readonly OwnWrite[], below: readonly Entry[], range: KeyRange): readonly Entry[] {
  const merged: Entry[] = [];
  const direction = range.reverse === true ? -1 : 1;
  let ownNext = 0;
  let belowNext = 0;
  while (merged.length < range.limit) {
    const mine = own[ownNext];
    const theirs = below[belowNext];
    if (mine === undefined && theirs === undefined) break;
    const order = direction * compare(mine, theirs, direction);
    if (theirs !== undefined && order >= 0) belowNext++;
    if (mine === undefined || order > 0) {
      if (theirs !== undefined) merged.push(theirs);
      continue;
    }
    ownNext++;
    if (mine.value !== undefined) merged.push({ key: mine.key, value: mine.value });
  }
  return merged;
}

/** A list that has ended comes after all. */
function compare(mine: OwnWrite | undefined, theirs: Entry | undefined, direction: number): number {
  if (mine === undefined) return direction;
  if (theirs === undefined) return -direction;
  return Buffer.compare(mine.key, theirs.key);
}

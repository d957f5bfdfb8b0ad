/** One file of the table: what is locked of it, and who waits, in order. */

import type { LockHolder, LockOwner, LockRequest } from './lockRequest.ts';
import { type ByteRange, type LockMode, mayOverlap, type Segment, segmentsWithin } from './segments.ts';

export interface Held {
  readonly owner: OwnerRecord;
  /** Sorted and disjoint; never empty while it is in the table. */
  readonly segments: Segment[];
}

export interface OwnerRecord {
  readonly key: string;
  readonly owner: LockOwner;
  /** Locked ranges in all files. */
  locks: number;
}

export interface Waiting<W> {
  readonly request: LockRequest;
  readonly ownerKey: string;
  waiter: W;
}

export interface LockedFile<W> {
  readonly held: Map<string, Held>;
  readonly waiting: Waiting<W>[];
  locks: number;
}

/** Locked ranges and waiters. */
export function loadOfFile<W>({ locks, waiting }: LockedFile<W>): number {
  return locks + waiting.length;
}

export function findConflict<W>(
  locked: LockedFile<W>,
  key: string,
  asked: { readonly range: ByteRange; readonly mode: LockMode },
): LockHolder | undefined {
  for (const [holderKey, { owner, segments }] of locked.held) {
    // Of thousands of holders, each asked for each of thousands of waiters, most are elsewhere.
    if (holderKey === key || !mayOverlap(segments, asked.range)) continue;
    const segment = segmentsWithin(segments, asked.range).find(
      ({ mode }) => mode === 'exclusive' || asked.mode === 'exclusive',
    );
    if (segment !== undefined) return { owner: owner.owner, segment };
  }
  return undefined;
}

function sameRequest<W>(entry: Waiting<W>, key: string, { range, mode }: LockRequest): boolean {
  const { request } = entry;
  return (
    entry.ownerKey === key &&
    request.mode === mode &&
    request.range.start === range.start &&
    request.range.end === range.end
  );
}

/** Where in line the request waits; -1 when it does not. */
export function placeInLine<W>(locked: LockedFile<W>, key: string, request: LockRequest): number {
  return locked.waiting.findIndex((entry) => sameRequest(entry, key, request));
}

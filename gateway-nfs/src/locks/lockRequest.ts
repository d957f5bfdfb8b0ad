/** What is asked of locks, by whom, and what comes of it. */

import { type ByteRange, type LockMode, overlaps, type Segment } from './segments.ts';

/** A process, or an open file, on a client. */
export interface LockOwner {
  /** The host, as `LockTable.releaseClient` names it. */
  readonly client: string;
  /** Where it calls from: several hosts may share an address, and a host may give itself any name. */
  readonly address: string;
  readonly svid: number;
  /** The client's own name for the owner, opaque. */
  readonly oh: Buffer;
}

export interface LockRequest {
  /** Any text that is one file's alone. */
  readonly file: string;
  readonly owner: LockOwner;
  readonly range: ByteRange;
  readonly mode: LockMode;
}

export interface LockHolder {
  readonly owner: LockOwner;
  readonly segment: Segment;
}

/** A waiter that holds its lock now. `before` is what its owner held inside the range until then. */
export interface LockGrant<W> {
  readonly request: LockRequest;
  readonly waiter: W;
  readonly before: readonly Segment[];
}

/** `full`: a bound is reached, and nothing changed. */
export type LockOutcome = 'granted' | 'denied' | 'waiting' | 'full';

export function ownerKey({ client, svid, oh }: LockOwner): string {
  return `${svid}:${oh.toString('latin1')}:${client}`;
}

export function excludes(
  a: { readonly range: ByteRange; readonly mode: LockMode },
  b: { readonly range: ByteRange; readonly mode: LockMode },
): boolean {
  return (a.mode === 'exclusive' || b.mode === 'exclusive') && overlaps(a.range, b.range);
}

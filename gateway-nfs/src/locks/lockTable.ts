/**
 * Who holds which bytes of which file, and who waits for them. A pure data structure: it tells no one, knows no
 * clock, and never waits; whoever changes it is handed the waiters that hold their lock from then on.
 *
 * Semantics are POSIX's: an owner's own locks never conflict, the last call on a byte decides; shared locks of
 * several owners overlap, exclusive ones do not. Deadlocks are left to the clients, as NLM leaves them.
 *
 * Waiters of a file are served in the order they came. A blocking request also lines up behind an earlier waiter that it
 * conflicts with, or a stream of readers would starve a writer. Only an owner that holds nothing yet does so: nobody
 * can wait for it, so that lining up closes no circle. (One that gets a lock on another file while it lines up is looked
 * at anew when it asks again, or when locks of this file change.) A request that does not wait looks at holders alone.
 */

import {
  findConflict,
  type Held,
  type LockedFile,
  loadOfFile,
  type OwnerRecord,
  placeInLine,
  type Waiting,
} from './lockedFile.ts';
import { type LockLimits, LockLoads } from './lockLoads.ts';
import {
  excludes,
  type LockGrant,
  type LockHolder,
  type LockOutcome,
  type LockOwner,
  type LockRequest,
  ownerKey,
} from './lockRequest.ts';
import {
  applyRepaint,
  clip,
  type LockMode,
  overlaps,
  planRepaint,
  type Segment,
  segmentsWithin,
} from './segments.ts';

/**
 * Whatever changes in a file has each of its waiters look at each of its holders, and at those before it in line: 0.1 µs a
 * look, in which nobody is served. Two thousand may wait for one holder, or a thousand for as many.
 */
const LOOKS_MAX = 2_000_000;

function isCrowded({ holders, waiters }: { readonly holders: number; readonly waiters: number }): boolean {
  return waiters * (holders + waiters / 2) > LOOKS_MAX;
}

export class LockTable<W> {
  readonly #files = new Map<string, LockedFile<W>>();
  readonly #owners = new Map<string, OwnerRecord>();
  readonly #loads: LockLoads;

  /** @param limits enough for any client that does not mean harm, unless told */
  constructor(limits?: LockLimits) {
    this.#loads = new LockLoads(limits);
  }

  get counts(): { readonly files: number; readonly locks: number; readonly waiters: number } {
    const { locks, waiters } = this.#loads;
    return { files: this.#files.size, locks, waiters };
  }

  /** Whether the client holds a lock or waits for one. */
  isBusy(client: string): boolean {
    return this.loadOf(client) > 0;
  }

  /** Somebody else's lock that stands in the way, if any. */
  test({ file, owner, range, mode }: LockRequest): LockHolder | undefined {
    const locked = this.#files.get(file);
    return locked && findConflict(locked, ownerKey(owner), { range, mode });
  }

  /**
   * Takes a lock or, when `waiter` is given and somebody is in the way, lines up for it. A request that waits already keeps
   * its place and takes the new `waiter`.
   */
  lock(request: LockRequest, waiter?: W): { outcome: LockOutcome; grants: readonly LockGrant<W>[] } {
    const key = ownerKey(request.owner);
    const locked = this.#files.get(request.file);
    const place = locked === undefined ? -1 : placeInLine(locked, key, request);
    if (
      locked !== undefined &&
      this.#isInTheWay(locked, { key, request, place, patient: waiter !== undefined })
    ) {
      if (waiter === undefined) return { outcome: 'denied', grants: [] };
      const entry = locked.waiting[place];
      if (entry !== undefined) {
        entry.waiter = waiter;
        return { outcome: 'waiting', grants: [] };
      }
      return { outcome: this.#lineUp(locked, { request, ownerKey: key, waiter }), grants: [] };
    }
    if (!this.#hasRoomFor(request, key, request.mode)) return { outcome: 'full', grants: [] };
    if (locked !== undefined && !locked.held.has(key)) {
      const [holders, waiters] = [locked.held.size + 1, locked.waiting.length];
      if (isCrowded({ holders, waiters })) return { outcome: 'full', grants: [] };
    }
    if (locked !== undefined && place >= 0) this.#leave(locked, place);
    this.#paint(request, key, request.mode);
    // A downgrade lets others in.
    return { outcome: 'granted', grants: this.#serve(request.file) };
  }

  /** Gives up what the owner holds in the range. Undefined when a bound forbids the split that this needs. */
  unlock(request: Omit<LockRequest, 'mode'>): readonly LockGrant<W>[] | undefined {
    const key = ownerKey(request.owner);
    if (this.#files.get(request.file)?.held.has(key)) {
      if (!this.#hasRoomFor(request, key, undefined)) return undefined;
      this.#paint(request, key, undefined);
    }
    return this.#serve(request.file);
  }

  /** Ends one wait. False when there is none. */
  cancel(request: LockRequest): { found: boolean; grants: readonly LockGrant<W>[] } {
    const key = ownerKey(request.owner);
    const locked = this.#files.get(request.file);
    const place = locked === undefined ? -1 : placeInLine(locked, key, request);
    if (locked === undefined || place < 0) return { found: false, grants: [] };
    this.#leave(locked, place);
    return { found: true, grants: this.#serve(request.file) };
  }

  /**
   * Takes back a grant that its owner did not want: the range is as it was before, save for what the owner has unlocked
   * since.
   */
  withdraw({ request, before }: LockGrant<W>): readonly LockGrant<W>[] {
    const key = ownerKey(request.owner);
    const held = this.held(request.file, request.owner);
    const still = segmentsWithin(held, request.range).map((segment) => clip(segment, request.range));
    const restored = before.flatMap((old) =>
      still
        .filter((segment) => overlaps(segment, old))
        .map((segment) => ({ ...clip(segment, old), mode: old.mode })),
    );
    this.#paint(request, key, undefined);
    for (const { mode, ...range } of restored) this.#paint({ ...request, range }, key, mode);
    return this.#serve(request.file);
  }

  /** Ends every lock and wait of a client. */
  releaseClient(client: string): readonly LockGrant<W>[] {
    if (!this.isBusy(client)) return [];
    const touched: string[] = [];
    for (const [file, locked] of this.#files) {
      const before = loadOfFile(locked);
      for (const [key, held] of locked.held) {
        if (held.owner.owner.client === client) this.#dropHeld(locked, key, held);
      }
      for (let place = locked.waiting.length - 1; place >= 0; place -= 1) {
        if (locked.waiting[place]?.request.owner.client === client) this.#leave(locked, place);
      }
      if (loadOfFile(locked) !== before) touched.push(file);
    }
    return touched.flatMap((file) => this.#serve(file));
  }

  /** Ends every lock and wait on a file that is gone. */
  dropFile(file: string): void {
    const locked = this.#files.get(file);
    if (locked === undefined) return;
    for (const [key, held] of locked.held) this.#dropHeld(locked, key, held);
    while (locked.waiting.length > 0) this.#leave(locked, locked.waiting.length - 1);
    this.#files.delete(file);
  }

  /** Locked ranges and waiters of a client. */
  loadOf(client: string): number {
    return this.#loads.ofClient(client);
  }

  /** Every lock of a client. */
  *heldBy(client: string): Generator<LockHolder & { readonly file: string }, void, void> {
    for (const [file, locked] of this.#files) {
      for (const { owner, segments } of locked.held.values()) {
        if (owner.owner.client !== client) continue;
        for (const segment of segments) yield { file, owner: owner.owner, segment };
      }
    }
  }

  /** What the owner holds in a file. */
  held(file: string, owner: LockOwner): readonly Segment[] {
    return this.#files.get(file)?.held.get(ownerKey(owner))?.segments ?? [];
  }

  /** Whether the lock must wait: for a holder, or for those before it in line when it is ready to. */
  #isInTheWay(
    locked: LockedFile<W>,
    asked: { key: string; request: LockRequest; place: number; patient: boolean },
  ): boolean {
    const { key, request, place, patient } = asked;
    if (findConflict(locked, key, request) !== undefined) return true;
    if (!patient || this.#owners.has(key)) return false;
    const { waiting } = locked;
    const before = place < 0 ? waiting.length : place;
    return waiting.some(
      (entry, at) => at < before && entry.ownerKey !== key && excludes(entry.request, request),
    );
  }

  #lineUp(locked: LockedFile<W>, entry: Waiting<W>): LockOutcome {
    const { owner } = entry.request;
    if (isCrowded({ holders: locked.held.size, waiters: locked.waiting.length + 1 })) return 'full';
    if (!this.#loads.hasRoomForWaiter(owner, { ofFile: loadOfFile(locked) })) return 'full';
    locked.waiting.push(entry);
    this.#loads.addWaiters(owner, 1);
    return 'waiting';
  }

  #leave(locked: LockedFile<W>, place: number): void {
    const [entry] = locked.waiting.splice(place, 1);
    if (entry !== undefined) this.#loads.addWaiters(entry.request.owner, -1);
  }

  /** Grants what can be granted, earlier waiters first, until nothing more can. */
  #serve(file: string): readonly LockGrant<W>[] {
    const locked = this.#files.get(file);
    if (locked === undefined) return [];
    const grants: LockGrant<W>[] = [];
    for (let place = 0; place < locked.waiting.length; ) {
      const entry = locked.waiting[place];
      if (entry === undefined) break;
      const { request, ownerKey: key, waiter } = entry;
      if (this.#isInTheWay(locked, { key, request, place, patient: true })) {
        place += 1;
        continue;
      }
      const before = segmentsWithin(locked.held.get(key)?.segments ?? [], request.range).map((segment) =>
        clip(segment, request.range),
      );
      const held = this.#owners.has(key);
      this.#leave(locked, place);
      this.#paint(request, key, request.mode);
      grants.push({ request, waiter, before });
      // Those before it may have waited for what a downgrade gave up; and who holds something need not line up.
      const lets = before.some(({ mode }) => mode === 'exclusive') && request.mode === 'shared';
      const outgrew = !held && locked.waiting.findIndex((other) => other.ownerKey === key) < place;
      if (lets || outgrew) place = 0;
    }
    if (locked.held.size === 0 && locked.waiting.length === 0) this.#files.delete(file);
    return grants;
  }

  #hasRoomFor(
    { file, owner, range }: Omit<LockRequest, 'mode'>,
    key: string,
    mode: LockMode | undefined,
  ): boolean {
    const locked = this.#files.get(file);
    const { removed, inserted } = planRepaint(locked?.held.get(key)?.segments ?? [], range, mode);
    const ofFile = locked === undefined ? 0 : loadOfFile(locked);
    return this.#loads.hasRoomForLocks(owner, { more: inserted.length - removed, ofFile });
  }

  #paint({ file, owner, range }: Omit<LockRequest, 'mode'>, key: string, mode: LockMode | undefined): void {
    const locked = this.#file(file);
    const held = locked.held.get(key) ?? { owner: this.#owner(key, owner), segments: [] };
    const repaint = planRepaint(held.segments, range, mode);
    applyRepaint(held.segments, repaint);
    this.#count(locked, held.owner, repaint.inserted.length - repaint.removed);
    if (held.segments.length > 0) locked.held.set(key, held);
    else locked.held.delete(key);
  }

  #dropHeld(locked: LockedFile<W>, key: string, held: Held): void {
    locked.held.delete(key);
    this.#count(locked, held.owner, -held.segments.length);
  }

  #count(locked: LockedFile<W>, record: OwnerRecord, more: number): void {
    locked.locks += more;
    record.locks += more;
    if (record.locks === 0) this.#owners.delete(record.key);
    this.#loads.addLocks(record.owner, more);
  }

  #file(name: string): LockedFile<W> {
    const known = this.#files.get(name);
    if (known !== undefined) return known;
    const made: LockedFile<W> = { held: new Map(), waiting: [], locks: 0 };
    this.#files.set(name, made);
    return made;
  }

  #owner(key: string, owner: LockOwner): OwnerRecord {
    const known = this.#owners.get(key);
    if (known !== undefined) return known;
    const made: OwnerRecord = { key, owner, locks: 0 };
    this.#owners.set(key, made);
    return made;
  }
}

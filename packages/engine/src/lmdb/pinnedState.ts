import { type DataFile, PAGE_BYTES } from './dataFile.ts';
import { readBase } from './metaPages.ts';
import type { Pin } from './pin.ts';
import type { LmdbStore } from './store.ts';
import type { MeteredUsage, UsageMeter } from './usageMeter.ts';

/** A state of LMDB that stays as it is on disk until its pin is released. */
export interface PinnedState {
  readonly pin: Pin;
  /** The newest of that moment. */
  readonly transaction: bigint;
  /** What brings it back. */
  readonly base: Uint8Array;
  /** Of its file free in this state: what may be used again while it is pinned, but for a page here or there. */
  readonly reusableBytes: number;
  /** At that moment. */
  readonly usage: MeteredUsage;
}

export type PinnedStates = readonly [PinnedState, ...PinnedState[]];

/** Pins the state of this moment, between two commits. */
export async function pinState(parts: {
  readonly store: LmdbStore;
  readonly file: DataFile;
  readonly meter: UsageMeter;
}): Promise<PinnedState> {
  const { store, file, meter } = parts;
  const pin = store.pin();
  const usage = meter.ask();
  const { base, newest, older } = await readBase(file.handle);
  // What the pinned transaction itself gave up, it keeps from being used again, too.
  const reusableBytes = Math.min(newest.freePages, older.freePages) * PAGE_BYTES;
  return { pin, transaction: newest.transaction, base, reusableBytes, usage };
}

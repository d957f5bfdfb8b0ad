import type { FileHandle } from 'node:fs/promises';
import { readBase } from './metaPages.ts';
import type { Pin } from './pin.ts';
import { freeBytesOf } from './spare.ts';
import type { LmdbStore } from './store.ts';

/** A state of LMDB that stays as it is on disk until its pin is released. */
export interface PinnedState {
  readonly pin: Pin;
  /** What brings it back. */
  readonly base: Uint8Array;
  /** Of its file free in this state: what may be used again while it is pinned. */
  readonly freeBytes: number;
  /** Pages that were written until then. */
  readonly writtenPages: number;
}

/** Pins the state of this moment, between two commits. */
export async function pinState(store: LmdbStore, file: FileHandle): Promise<PinnedState> {
  const pin = store.pin();
  const writtenPages = store.writtenPagesCount;
  return { pin, base: await readBase(file), freeBytes: await freeBytesOf(file), writtenPages };
}

const PAGE_BYTES = 4096;

/** What LMDB may take of its own file at least, before it must grow. */
export function reusableBytesOf({ freeBytes, writtenPages }: PinnedState, store: LmdbStore): number {
  return freeBytes - (store.writtenPagesCount - writtenPages) * PAGE_BYTES;
}

import type { FileHandle } from 'node:fs/promises';
import type { FileRoom } from './diskRoom.ts';
import { readNewestHeader } from './header.ts';
import { readBase } from './metaPages.ts';
import type { Pin } from './pin.ts';
import type { LmdbStore } from './store.ts';

/** A state of LMDB that stays as it is on disk until its pin is released. */
export interface PinnedState {
  readonly pin: Pin;
  /** What brings it back. */
  readonly base: Uint8Array;
  /** Of its file free in this state: what may be used again while it is pinned. */
  readonly freeBytes: number;
  readonly usedBytes: number;
  /** Pages that were written until then. */
  readonly writtenPages: number;
}

/** Pins the state of this moment, between two commits. */
export async function pinState(store: LmdbStore, file: FileHandle): Promise<PinnedState> {
  const pin = store.pin();
  const writtenPages = store.writtenPagesCount;
  const base = await readBase(file);
  const header = await readNewestHeader(file);
  const bytes = (pages = 0) => pages * PAGE_BYTES;
  return { pin, base, freeBytes: bytes(header?.freePages), usedBytes: bytes(header?.pages), writtenPages };
}

const PAGE_BYTES = 4096;

/** What there is in LMDB's file, by the state that keeps the most of it. */
export function fileRoomOf({ freeBytes, usedBytes, writtenPages }: PinnedState, store: LmdbStore): FileRoom {
  return { reusableBytes: freeBytes - (store.writtenPagesCount - writtenPages) * PAGE_BYTES, usedBytes };
}

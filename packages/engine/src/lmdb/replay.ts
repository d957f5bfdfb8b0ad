import { isOutOfRoom, type Journal, RECORD, type ReadRecord } from '@facet/journal';
import { decodeBatch } from '../batchRecord.ts';
import type { OwnWrite } from '../mergeRange.ts';
import { commitNeeds } from './commitNeeds.ts';
import type { FileRoom } from './fileRoom.ts';
import type { PinnedState } from './pinnedState.ts';
import type { ShortFreeList } from './shortFreeList.ts';
import type { LmdbStore } from './store.ts';
import type { UsageMeter } from './usageMeter.ts';

/**
 * Replayed in one transaction, where there is room for it: no fewer than may have shared one before, so that no more pages
 * are copied now.
 */
const WRITES_MAX = 3000;

export interface ReplayParts {
  readonly store: LmdbStore;
  readonly journal: Journal;
  readonly meter: UsageMeter;
  readonly room: FileRoom;
  readonly freeList: ShortFreeList;
  /** The journal's base, which LMDB has. */
  readonly pinned: PinnedState;
  /** Gives what is held back on the disk to this. */
  readonly releaseReserve?: () => Promise<unknown>;
}

/** Replays the journal on LMDB. @param others replays what is not a batch */
export async function replayBatches(
  parts: ReplayParts,
  others: (record: ReadRecord) => Promise<void>,
): Promise<void> {
  const { room, pinned } = parts;
  let writes: OwnWrite[] = [];
  for await (const record of parts.journal.replay()) {
    if (record.kind !== RECORD.batch) {
      await others(record);
      continue;
    }
    const next = decodeBatch(record.payload);
    const both = [...writes, ...next];
    if (writes.length > 0 && (both.length > WRITES_MAX || !room.holds(commitNeeds(both), pinned))) {
      await apply(parts, writes);
      writes = [...next];
    } else writes = both;
  }
  if (writes.length > 0) await apply(parts, writes);
}

async function apply(parts: ReplayParts, writes: OwnWrite[]): Promise<void> {
  const { store, meter, room, freeList, pinned, releaseReserve } = parts;
  if (freeList.isLong) await freeList.pack([pinned]);
  const needs = commitNeeds(writes);
  if (!room.holds(needs, pinned)) {
    const make = () => room.make(needs, pinned);
    await make()
      .catch(async (error: unknown) => {
        if (!isOutOfRoom(error) || releaseReserve === undefined) throw error;
        await releaseReserve();
        await make();
      })
      .catch((error: unknown) => {
        // A bound, and far above what is taken. What these took when they were acknowledged lies in the file still, and
        // only the last batch may never have been in it: there was room for all of that one. Nothing that the base
        // keeps from being used again was free for them then, and together they copy fewer pages now.
        if (!isOutOfRoom(error)) throw error;
      });
  }
  store.transactAtOnce(() => store.apply(writes));
  meter.gathered(needs);
  meter.ask();
}

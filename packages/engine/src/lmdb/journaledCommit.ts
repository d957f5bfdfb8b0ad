import { type Journal, RECORD, type ReadRecord } from '@facet/journal';
import { encodeBatch } from '../batchRecord.ts';
import { EngineError } from '../contract.ts';
import type { OwnWrite } from '../mergeRange.ts';
import { BatchState } from './batchState.ts';
import { Checkpoints } from './checkpoints.ts';
import type { Commit } from './commit.ts';
import { type CommitNeeds, commitNeeds, writesCountOf } from './commitNeeds.ts';
import type { DataFile } from './dataFile.ts';
import { diagnose } from './failure.ts';
import { FileRoom } from './fileRoom.ts';
import { keepEpochs } from './ownJournal.ts';
import { pinState } from './pinnedState.ts';
import { replayBatches } from './replay.ts';
import { ShortFreeList } from './shortFreeList.ts';
import type { LmdbStore } from './store.ts';
import { UsageMeter } from './usageMeter.ts';

/** So many writes LMDB takes quicker here and now than its own thread does, hop there and back included. */
const AT_ONCE_WRITES_MAX = 1000;
const GROWTH_BYTES_MAX = 48 << 20;
/** What LMDB's open transaction is given before it is settled: more share little more, and the bound of its pages grows. */
const GATHERED_WRITES_MAX = 400;

export interface JournaledParts {
  readonly store: LmdbStore;
  readonly journal: Journal;
  /** LMDB's file, opened before anything was written to it, which LMDB itself does not sync. */
  readonly file: DataFile;
  readonly path: string;
  /** Called once, when the device failed while no batch waited for it. */
  readonly onFailure: (error: EngineError) => void;
  readonly growthBytesMax?: number;
  readonly releaseReserve?: () => Promise<unknown>;
}

/**
 * Through a journal: one sync makes a batch durable; then LMDB takes it, unsynced, and it can be seen.
 *
 * No other process may write. What is on disk of LMDB's file is the journal's base, whose pages are pinned, and
 * anything: the base's meta page and the journal make the rest good.
 */
export class JournaledCommit implements Commit {
  readonly #parts: JournaledParts;
  readonly #meter: UsageMeter;
  readonly #room: FileRoom;
  readonly #freeList: ShortFreeList;
  readonly #checkpoints: Checkpoints;
  #isKeeping = false;
  /** Asked for while a batch was under way. */
  #settling: PromiseWithResolvers<void> | undefined;

  private constructor(
    parts: JournaledParts,
    own: {
      readonly meter: UsageMeter;
      readonly room: FileRoom;
      readonly freeList: ShortFreeList;
      readonly checkpoints: Checkpoints;
    },
  ) {
    this.#parts = parts;
    this.#meter = own.meter;
    this.#room = own.room;
    this.#freeList = own.freeList;
    this.#checkpoints = own.checkpoints;
  }

  /**
   * Replays the journal on LMDB, which has its base, and makes the outcome the next base.
   * @param others replays what is not a batch
   * @throws JournalDamaged, EngineError Full
   */
  static async begin(
    parts: JournaledParts,
    others: (record: ReadRecord) => Promise<void>,
  ): Promise<JournaledCommit> {
    const { store, journal, file, path, growthBytesMax = GROWTH_BYTES_MAX } = parts;
    const meter = new UsageMeter(store, file);
    const room = new FileRoom({ path, file, meter, growthBytesMax, gatheredWritesMax: GATHERED_WRITES_MAX });
    const freeList = new ShortFreeList({ file, meter, room });
    const kept = await pinState({ store, file, meter });
    try {
      await replayBatches({ ...parts, meter, room, freeList, pinned: kept }, others);
      await journal.begin();
      await keepEpochs(file.handle, journal.epochs);
      await journal.settleOthers();
      await file.handle.datasync();
      const state = await pinState({ store, file, meter });
      await journal.complete(state.base);
      await keepEpochs(file.handle, journal.epochs);
      const onFailure = (cause: unknown) => parts.onFailure(failed(cause));
      const checkpoints = new Checkpoints({ store, journal, file, meter, state, growthBytesMax, onFailure });
      return new JournaledCommit(parts, { meter, room, freeList, checkpoints });
    } catch (cause) {
      const error = await diagnose(cause, path);
      throw error.code === 'Full' ? error : cause;
    } finally {
      kept.pin.release();
    }
  }

  async run(attempt: (state: BatchState) => void): Promise<void> {
    const { store } = this.#parts;
    await this.#checkpoints.beginBatch().catch(throwFailed);
    try {
      const state = new BatchState(store);
      store.assertReadable();
      try {
        attempt(state);
      } finally {
        store.release();
      }
      // What it read was durable.
      if (state.writes.length > 0) await this.#keep(state.writes);
    } finally {
      this.#checkpoints.endBatch();
    }
  }

  /** Not between the look for room and what it was for: what shares a transaction takes less. */
  settle(): Promise<void> {
    if (this.#settling !== undefined) return this.#settling.promise;
    if (this.#isKeeping) {
      this.#settling = Promise.withResolvers<void>();
      return this.#settling.promise;
    }
    return this.#settleAtOnce();
  }

  async #settleAtOnce(): Promise<void> {
    this.#settleNow();
  }

  #settleNow(): void {
    if (writesCountOf(this.#meter.since) > 0) this.#meter.ask();
  }

  async close(): Promise<void> {
    await this.#checkpoints.close();
    await this.#parts.journal.close();
    await this.#parts.file.handle.close();
  }

  async #keep(writes: readonly OwnWrite[]): Promise<void> {
    this.#isKeeping = true;
    try {
      await this.#keepDurably(writes);
    } finally {
      this.#isKeeping = false;
      this.#settleForThoseWhoAsked();
    }
  }

  /** They wait for what was acknowledged before this batch; in time it is in LMDB's file with it. */
  #settleForThoseWhoAsked(): void {
    const asked = this.#settling;
    this.#settling = undefined;
    if (asked === undefined) return;
    try {
      this.#settleNow();
      asked.resolve();
    } catch (error) {
      asked.reject(error);
    }
  }

  async #keepDurably(writes: readonly OwnWrite[]): Promise<void> {
    const record = encodeBatch(writes);
    try {
      await this.#keepOnce(record, writes);
    } catch (cause) {
      const { code } = await diagnose(cause, this.#parts.path);
      if (code !== 'Full' || !this.#checkpoints.isNeeded) throw cause;
      // It frees the pages of the state pinned before, and the journal's other file.
      await this.#checkpoints.run().catch(throwFailed);
      await this.#keepOnce(record, writes);
    }
    this.#checkpoints.committed();
  }

  async #keepOnce(record: Buffer, writes: readonly OwnWrite[]): Promise<void> {
    const { journal } = this.#parts;
    const { pinned } = this.#checkpoints;
    if (this.#freeList.isLong) await this.#freeList.pack(this.#checkpoints.allPinned);
    const needs = commitNeeds(writes);
    // In a transaction of its own, it has nothing in common with what was gathered.
    if (writes.length > AT_ONCE_WRITES_MAX) this.#meter.ask();
    if (!this.#room.holds(needs, pinned)) await this.#room.make(needs, pinned);
    const sequence = await journal
      .commit({ kind: RECORD.batch, payload: [record] })
      .catch((cause: unknown) => {
        // Unless it only lacks room, nothing that is not yet durable will ever be.
        if (journal.failure === undefined) throw cause;
        throw failed(cause);
      });
    try {
      await this.#give(writes, needs);
    } catch (cause) {
      // It is in the journal all the same, and would come back after a crash.
      await journal.makeVoid(sequence).catch(throwFailed);
      throw cause;
    }
    if (writesCountOf(this.#meter.since) >= GATHERED_WRITES_MAX) this.#meter.ask();
  }

  /** LMDB is sure to have room: what it takes may be settled after it is acknowledged. */
  async #give(writes: readonly OwnWrite[], needs: CommitNeeds): Promise<void> {
    const { store } = this.#parts;
    if (writes.length <= AT_ONCE_WRITES_MAX) {
      store.gather(writes);
      this.#meter.gathered(needs);
      return;
    }
    this.#meter.gathered(needs);
    try {
      await store.transact(() => store.apply(writes));
    } finally {
      this.#meter.ask();
    }
  }
}

function throwFailed(cause: unknown): never {
  throw failed(cause);
}

function failed(cause: unknown): EngineError {
  const reason = cause instanceof Error ? cause.message : cause;
  return new EngineError('Failed', `the journal of the metadata can not be relied on: ${reason}`, { cause });
}

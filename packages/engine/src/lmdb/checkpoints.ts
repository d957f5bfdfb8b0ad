import type { Journal } from '@facet/journal';
import { bytesAtMost } from './commitNeeds.ts';
import { type DataFile, PAGE_BYTES } from './dataFile.ts';
import { keepEpochs } from './ownJournal.ts';
import { type PinnedState, type PinnedStates, pinState } from './pinnedState.ts';
import type { LmdbStore } from './store.ts';
import type { UsageMeter } from './usageMeter.ts';

/** So much of a journal is replayed after a crash at most, or a little more. */
const JOURNAL_BYTES_MAX = 24 << 20;
/** A store at rest is clean, and starts at once, so long after the first change since the last checkpoint. */
const CHANGED_MS_MAX = 3_000;

export interface CheckpointParts {
  readonly store: LmdbStore;
  readonly journal: Journal;
  /** LMDB's file, opened before anything was written to it: a sync tells of failures since. */
  readonly file: DataFile;
  readonly meter: UsageMeter;
  /** That of the journal's base. */
  readonly state: PinnedState;
  /** Called once, when a sync failed: what the disk holds is no longer known. */
  readonly onFailure: (error: unknown) => void;
  /**
   * How much LMDB may write between two checkpoints: it uses no page of a state that is pinned again, but goes to
   * other places.
   */
  readonly growthBytesMax: number;
}

/**
 * Makes LMDB's file durable now and then, so that the journal before can be forgotten.
 *
 * It begins between two batches: the state of that moment is pinned and records go to the journal's other file. While
 * batches go on, that state is synced; then it is the journal's base, and the pin before is released. Two pins at
 * most are held: a batch that would need a third one waits.
 */
export class Checkpoints {
  readonly #parts: CheckpointParts;
  /** The older one, when there are two. */
  #pinned: PinnedState;
  /** The newer one, when there are two. */
  #next: PinnedState | undefined;
  #batchUnderWay = false;
  #beginning: Promise<void> | undefined;
  #finishing: Promise<void> | undefined;
  #failure: { readonly cause: unknown } | undefined;
  /** Since the last checkpoint began. */
  #commitsCount = 0;
  #writtenPagesBefore: number;
  #timer: NodeJS.Timeout | undefined;
  #isOld = false;

  constructor(parts: CheckpointParts) {
    this.#parts = parts;
    this.#pinned = parts.state;
    this.#writtenPagesBefore = parts.state.usage.writtenPages;
  }

  /** Whether there were commits since the last one began: without any it would bring nothing. */
  get isNeeded(): boolean {
    return this.#commitsCount > 0;
  }

  /** The state that keeps the most of LMDB's file from being used again. */
  get pinned(): PinnedState {
    return this.#pinned;
  }

  get allPinned(): PinnedStates {
    return this.#next === undefined ? [this.#pinned] : [this.#pinned, this.#next];
  }

  /** To be called before a batch, which may have to wait. @throws what a checkpoint failed of */
  async beginBatch(): Promise<void> {
    await this.#beginning;
    if (this.#isDue()) {
      await this.#finishing;
      await this.#begin();
    }
    this.#mustWork();
    this.#batchUnderWay = true;
  }

  /** To be called when it is over. */
  endBatch(): void {
    this.#batchUnderWay = false;
    if (this.#isOld) this.#grownOld();
  }

  /** To be called for each commit. */
  committed(): void {
    this.#commitsCount += 1;
    this.#timer ??= setTimeout(() => this.#grownOld(), CHANGED_MS_MAX).unref();
  }

  /** One from its beginning to its end, in the middle of a batch that has come to nothing so far, or after all. */
  async run(): Promise<void> {
    await this.#beginning;
    await this.#finishing;
    await this.#begin();
    await this.#finishing;
    this.#mustWork();
  }

  /** Leaves nothing to replay. */
  async close(): Promise<void> {
    await this.#beginning;
    await this.#finishing;
    if (this.isNeeded) await this.run();
    clearTimeout(this.#timer);
    this.#pinned.pin.release();
  }

  #mustWork(): void {
    if (this.#failure !== undefined) throw this.#failure.cause;
  }

  #isDue(): boolean {
    if (!this.isNeeded) return false;
    const { journal, meter, growthBytesMax } = this.#parts;
    if (this.#isOld || journal.usedBytes >= JOURNAL_BYTES_MAX) return true;
    if (this.#grownBytes() + bytesAtMost(meter.since, meter.asked.tree) < growthBytesMax) return false;
    meter.ask();
    return this.#grownBytes() >= growthBytesMax;
  }

  #grownBytes(): number {
    return (this.#parts.meter.asked.writtenPages - this.#writtenPagesBefore) * PAGE_BYTES;
  }

  #grownOld(): void {
    this.#isOld = true;
    // Else the next batch sees to it.
    if (this.#batchUnderWay || this.#beginning !== undefined || this.#finishing !== undefined) return;
    this.#beginning = this.#begin()
      .catch((cause: unknown) => this.#fail(cause))
      .finally(() => {
        this.#beginning = undefined;
      });
  }

  async #begin(): Promise<void> {
    this.#mustWork();
    const { journal } = this.#parts;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#isOld = false;
    this.#commitsCount = 0;
    const state = await pinState(this.#parts);
    this.#next = state;
    this.#writtenPagesBefore = state.usage.writtenPages;
    await journal.rotate();
    this.#finishing = this.#finish(state)
      .catch((cause: unknown) => this.#fail(cause))
      .finally(() => {
        this.#finishing = undefined;
      });
  }

  async #finish(state: PinnedState): Promise<void> {
    const { store, journal, file } = this.#parts;
    await keepEpochs(file.handle, journal.epochs);
    await Promise.all([journal.settleOthers(), file.handle.datasync()]);
    await journal.complete(state.base);
    // The base before is no base any more, which need not be durable: with the next names it is.
    await keepEpochs(file.handle, journal.epochs);
    // One that began before this state was pinned keeps more from being used again than it does.
    await store.fetched();
    this.#pinned.pin.release();
    this.#pinned = state;
    this.#next = undefined;
    // Old before the one before was done: nobody may come by.
    if (this.#isOld) setImmediate(() => this.#isOld && this.#grownOld());
  }

  #fail(cause: unknown): void {
    if (this.#failure !== undefined) return;
    this.#failure = { cause };
    this.#parts.onFailure(cause);
  }
}

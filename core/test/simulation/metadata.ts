/** The metadata of one world, which outlives its processes: a memory engine, perhaps beneath a journal, perhaps beside LMDB. */

import { AsyncResource } from 'node:async_hooks';
import {
  type Engine,
  MemoryBases,
  MemoryEngine,
  type MemoryState,
  openJournaledMemoryEngine,
  openLmdbEngine,
} from '@facet/engine';
import { type ByteJournal, ByteReplay, type Disk } from '@facet/extents';
import { Journal, type JournalRecord, RECORD, type ReadRecord } from '@facet/journal';
import { below, type Random } from '../random.ts';
import { type JournalKind, leavingOut, unread, unsynced } from './faultyJournal.ts';
import { MirroredEngine } from './mirroredEngine.ts';
import type { TroubledDisk } from './troubledDisk.ts';
import type { Turns } from './turns.ts';

/** So that several bases come in a life. */
const COMMITS_PER_BASE = 25;
const COMMITS_PER_CONFLICT = 20;
const MAP_BYTES = 1 << 28;

export interface MetadataParts {
  readonly random: Random;
  readonly randomBytes: (count: number) => Buffer;
  readonly disk: TroubledDisk;
  readonly turns: Turns;
  /** What each step waits for. */
  readonly wait: () => Promise<undefined>;
  /** Told of each commit at its moment, while `committedBefore` is what was there until then. */
  readonly onCommit: () => void;
  readonly journal: JournalKind | undefined;
  readonly lmdbFolder: string | undefined;
}

export class Metadata {
  readonly #parts: MetadataParts;
  /** What holds it, or follows what does. */
  #engine: MemoryEngine;
  /** The state before the last commit. */
  #before: MemoryState | undefined;
  readonly #bases = new MemoryBases();
  #journal: ByteJournal | undefined;
  /** A commit on its way into the journal: after a crash it may be there. */
  #onItsWay: { readonly batch: Buffer; readonly follow: () => void } | undefined;
  /** The disk was full when the engine asked for room for the last commit. Before that is in the journal it may become so. */
  #wasFull = false;

  constructor(parts: MetadataParts) {
    this.#parts = parts;
    this.#engine = this.#newEngine();
  }

  /** All that is committed. */
  get committed(): MemoryState {
    return this.#engine.snapshot();
  }

  /** And before the last commit; undefined before the first. */
  get committedBefore(): MemoryState | undefined {
    return this.#before;
  }

  /** Takes small changes of bytes first, where there is one. */
  get journal(): ByteJournal | undefined {
    return this.#journal;
  }

  /** Whether the commit of this moment found no room but the reserve's, when the engine began with it. */
  get tookReserve(): boolean {
    return this.#wasFull;
  }

  /** @param disk as the process has it that opens it */
  async open(disk: Disk): Promise<Engine> {
    const { lmdbFolder, journal } = this.#parts;
    if (journal !== undefined) await this.#openJournaled(disk, journal);
    if (lmdbFolder === undefined) return this.#engine;
    const inner = await openLmdbEngine({ path: lmdbFolder, mapSizeBytes: MAP_BYTES });
    return new MirroredEngine(inner, this.#engine, () => this.#committed());
  }

  /** Its process is over. */
  ended(): void {
    if (this.#parts.journal === undefined) this.#engine = this.#newEngine(this.committed);
  }

  #newEngine(state?: MemoryState): MemoryEngine {
    return new MemoryEngine({ ...(state && { state }), ...this.#hooks() });
  }

  #hooks() {
    const { random, disk, turns, wait, lmdbFolder } = this.#parts;
    return {
      onYield: wait,
      beforeCommit: wait,
      // The first thing it does is synchronous: the moment of the commit itself.
      afterCommit: () => {
        if (lmdbFolder === undefined) this.#committed();
        return wait();
      },
      injectFull: () => {
        this.#wasFull = disk.isFull;
        return disk.refusesCommits;
      },
      injectConflict: () => turns.isInterleaved && below(random, COMMITS_PER_CONFLICT) === 0,
    };
  }

  #committed(): void {
    this.#onItsWay = undefined;
    this.#parts.onCommit();
    this.#before = this.committed;
  }

  async #openJournaled(disk: Disk, kind: JournalKind): Promise<void> {
    const journal = await Journal.open({
      disk: kind === 'unsynced' ? unsynced(disk) : disk,
      randomBytes: this.#parts.randomBytes,
    });
    const bytes = new ByteReplay(disk);
    journal.attach(() => bytes.settle());
    let last: Buffer | undefined;
    const watched = this.#watched(kind === 'not replayed' ? unread(journal) : journal, (batch) => {
      last = batch;
    });
    this.#engine = await this.#parts.disk.replayed(() =>
      openJournaledMemoryEngine({
        ...this.#hooks(),
        journal: watched,
        bases: this.#bases,
        replay: async (record: ReadRecord) => bytes.replay(record),
        commitsPerBase: COMMITS_PER_BASE,
      }),
    );
    this.#journal = leavingOut(journal, kind);
    // The client never heard of it; it is there all the same.
    if (last && this.#onItsWay?.batch.equals(last)) this.#onItsWay.follow();
    this.#onItsWay = undefined;
  }

  /** Notes what goes in, and tells of the batches that come out. */
  #watched(journal: Journal, onBatch: (batch: Buffer) => void): Journal {
    const commit = journal.commit.bind(journal);
    const replay = journal.replay.bind(journal);
    return Object.assign(journal, {
      commit: (record: JournalRecord) => {
        // What comes after a failure is refused, and goes nowhere.
        if (journal.failure !== undefined) return commit(record);
        this.#onItsWay = {
          batch: Buffer.concat(record.payload),
          // As if it were the command that goes on.
          follow: AsyncResource.bind(() => this.#committed()),
        };
        return commit(record);
      },
      replay: async function* () {
        for await (const record of replay()) {
          if (record.kind === RECORD.batch) onBatch(record.payload);
          yield record;
        }
      },
    });
  }
}

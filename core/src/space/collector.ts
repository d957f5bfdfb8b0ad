/**
 * The collector: works off the free queue in the background and gives bytes back to the file system.
 *
 * It keeps no state that matters: what is to be done is in the queue, and each step can be done twice. One
 * collector runs on a store at a time.
 */

import {
  type ContainerId,
  containerId,
  containerName,
  type ExtentStore,
  type PhysicalRun,
} from '@facet/extents';
import { forgetCalls } from '../calls/forget.ts';
import type { Command, Commands } from '../commands/command.ts';
import { fromExtents } from '../contents/read.ts';
import { FsError } from '../errors.ts';
import { InvariantError } from '../invariant.ts';
import {
  type Bounds,
  containerOfRunKey,
  reclaimKey,
  SPACE,
  sequenceOfKey,
  spaceBounds,
  successor,
} from '../meta/keys.ts';
import { forgetAnswers } from '../multipart/forget.ts';
import { buryRuns, finishReclaim } from './bury.ts';
import { expandFreed } from './expand.ts';
import { blocksToPunch, punchableRuns, removeIfDead } from './giveBack.ts';
import { systemTimer, type Timer } from './timer.ts';

/** Map entries, parts, pieces or runs that one transaction works off. */
const STEPS_PER_TRANSACTION = 500;
const RECORDS_PER_BATCH = 500;
const CONTAINERS_PER_SWEEP = 64;
/** Leases are looked at when there is nothing else to do, and once in so many batches. */
const BATCHES_PER_RETURN = 32;

/** Between batches while more waits than one takes, so that others get their turn. */
const PAUSE_MS = 1;
/**
 * After a wake-up and after a batch that took all there was. Its three commits stand in the way of whoever waits for
 * his own: one client that overwrites or removes without a pause went at two thirds of its pace with 20 ms.
 */
const GATHER_MS = 100;
/** Without a wake-up: what was pinned may be free now. */
const TICK_MS = 1000;
/** Rounds of the loop between two looks for answers to forget: about an hour of idleness. */
const ROUNDS_PER_FORGETTING = 3600;

export interface CollectorParts {
  readonly commands: Commands;
  readonly extents: ExtentStore;
  /** What readers hold, in all processes. */
  readonly pins: { oldest(): number | Promise<number>; committed(sequence: number): void };
  /** What containers were leased for writing and are done with. */
  readonly leases: { readonly instance: Uint8Array; giveBack(extents: ExtentStore): Promise<number> };
  /** Called when something was given back to the file system, or within the metadata. */
  readonly onFreed?: () => void;
  readonly timer?: Timer;
  /** Told of what went wrong, but for a full disk, which is known elsewhere. The collector goes on with what else there is to do. */
  readonly onFault?: (fault: { readonly doing: string; readonly error: unknown }) => void;
}

/** Counted since the collector was made. */
export interface CollectorCounts {
  /** Records of the free queue that were worked off. */
  readonly expanded: number;
  /** Physical bytes found dead. */
  readonly deadBytes: number;
  readonly punchedBytes: number;
  readonly unlinkedContainers: number;
  readonly unlinkedBytes: number;
  readonly faults: number;
}

/** What is damaged stays where it is, and keeps nothing else waiting. */
const LEAVE_OUT = () => undefined;

export class Collector {
  readonly #parts: CollectorParts;
  readonly #timer: Timer;
  #counts: CollectorCounts = {
    expanded: 0,
    deadBytes: 0,
    punchedBytes: 0,
    unlinkedContainers: 0,
    unlinkedBytes: 0,
    faults: 0,
  };
  /** Records that broke an invariant: left in the queue, and not tried again before the next start. */
  readonly #refused = new Set<number>();
  /** With dead bytes, and open for appends when last looked at: they may be all dead when they are sealed. */
  readonly #open = new Set<ContainerId>();
  /** Where the sweep through containers goes on, which looks once at what an earlier run left. */
  #sweepFrom: Buffer | undefined = spaceBounds(SPACE.container).start;
  #batches = 0;
  #turn: Promise<unknown> = Promise.resolve();
  #running: Promise<void> | undefined;
  #stopped = false;
  #woken = false;
  /** The batch under way, or the last one, has left something that could be done at once. */
  #leftSome = false;
  #wakeSleeper: ((delayMs: number) => void) | undefined;

  constructor(parts: CollectorParts) {
    this.#parts = parts;
    this.#timer = parts.timer ?? systemTimer;
  }

  get counts(): CollectorCounts {
    return this.#counts;
  }

  /**
   * Records that wait: dropped and not worked off yet, and dead bytes that wait for readers.
   * @param countMax of each kind no more are looked at than it takes to know that there are so many
   */
  async backlog(
    countMax = Number.POSITIVE_INFINITY,
  ): Promise<{ readonly free: number; readonly reclaim: number }> {
    return {
      free: await this.#count(SPACE.free, countMax),
      reclaim: await this.#count(SPACE.reclaim, countMax),
    };
  }

  /** Works in the background from now on. */
  start(): void {
    this.#running ??= this.#loop();
  }

  /** Says that there is work. Cheap: called after every commit that put something into the queue. */
  wake(): void {
    this.#woken = true;
    this.#wakeSleeper?.(GATHER_MS);
  }

  /** Resolves when the batch under way is done; nothing is begun after that. */
  async stop(): Promise<void> {
    this.#stopped = true;
    this.#wakeSleeper?.(0);
    await this.#running;
    await this.#turn;
  }

  /** One batch of each kind of work. @returns whether there was any to do. */
  runOnce(): Promise<boolean> {
    const batch = this.#turn.then(async () => {
      if (this.#stopped) return false;
      this.#leftSome = false;
      const expanded = await this.#expand();
      const reclaimed = await this.#reclaim();
      const swept = await this.#sweep();
      const worked = expanded || reclaimed || swept;
      if (worked) this.#parts.onFreed?.();
      this.#batches += 1;
      // Its commit need not follow every other one.
      if (worked && this.#batches % BATCHES_PER_RETURN !== 0) return true;
      const returned = await this.#parts.leases.giveBack(this.#parts.extents);
      return worked || returned > 0;
    });
    this.#turn = batch.catch(() => undefined);
    return batch;
  }

  /** Works until nothing is left that can be done now: what readers hold stays. */
  async drain(): Promise<CollectorCounts> {
    while (await this.runOnce());
    return this.#counts;
  }

  async #loop(): Promise<void> {
    for (let round = 0; !this.#stopped; round += 1) {
      this.#woken = false;
      let worked = false;
      try {
        worked = await this.runOnce();
        if (round % ROUNDS_PER_FORGETTING === 0) await this.#forgetAnswers();
      } catch (error) {
        if (error instanceof FsError && error.code === 'Closed') return;
        this.#fault('collect', error);
      }
      await this.#sleep(this.#leftSome ? PAUSE_MS : worked || this.#woken ? GATHER_MS : TICK_MS);
    }
  }

  async #forgetAnswers(): Promise<void> {
    const { commands } = this.#parts;
    while (!this.#stopped && (await commands.run(forgetAnswers, {})).more);
    let at: { readonly next?: Uint8Array } = await commands.run(forgetCalls, {});
    while (!this.#stopped && at.next) at = await commands.run(forgetCalls, { from: at.next });
  }

  #sleep(delayMs: number): Promise<void> {
    if (this.#stopped) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        this.#wakeSleeper = undefined;
        resolve();
      };
      let due = delayMs;
      let handle = this.#timer.after(due, done);
      this.#wakeSleeper = (soonerMs) => {
        if (soonerMs >= due) return;
        due = soonerMs;
        handle.cancel();
        if (due > 0) handle = this.#timer.after(due, done);
        else done();
      };
    });
  }

  async #expand(): Promise<boolean> {
    const sequences = await this.#sequences(spaceBounds(SPACE.free));
    const results = await this.#runEach(expandFreed, sequences);
    for (const { finished, stamp } of results) {
      if (stamp !== undefined) this.#parts.pins.committed(stamp);
      this.#add({ expanded: finished });
    }
    const finished = results.reduce((sum, result) => sum + result.finished, 0);
    if (results.length > 0 && finished < sequences.length) this.#leftSome = true;
    return results.length > 0;
  }

  async #reclaim(): Promise<boolean> {
    const all = spaceBounds(SPACE.reclaim);
    const [newest] = await this.#parts.commands.read('collector', (tx) =>
      tx.range({ ...all, limit: 1, reverse: true }),
    );
    if (newest === undefined) return false;
    // What is dropped while the readers are asked is for the next time: one may have come who still refers to it.
    const oldest = Math.min(sequenceOfKey(newest.key), await this.#parts.pins.oldest());
    const sequences = await this.#sequences({ ...all, end: successor(reclaimKey(oldest)) });
    const results = await this.#runEach(buryRuns, sequences);
    for (const buried of results) {
      this.#add({ deadBytes: buried.addedBytes });
      const punched: PhysicalRun[] = [];
      for (const [container, runs] of Map.groupBy(buried.runs, (run) => run.container)) {
        punched.push(...(await this.#giveBack(container, runs)));
      }
      const { sequences: done, unfinished } = buried;
      await this.#parts.commands.run(finishReclaim, { sequences: done, unfinished, punched });
    }
    const finished = results.reduce((sum, result) => sum + result.sequences.length, 0);
    if (results.length > 0 && finished < sequences.length) this.#leftSome = true;
    return results.length > 0;
  }

  /** @returns the runs that were punched. What fails is not tried again before the next start. */
  async #giveBack(container: ContainerId, dead: readonly PhysicalRun[]): Promise<readonly PhysicalRun[]> {
    const punched: PhysicalRun[] = [];
    try {
      if (await this.#remove(container)) return [];
      for (const punchable of await punchableRuns(this.#parts.commands, dead)) {
        const blocks = blocksToPunch(punchable);
        const given = blocks.length > 0 && (await this.#parts.extents.punch(blocks));
        punched.push(punchable.run);
        if (given) this.#add({ punchedBytes: blocks.length });
      }
    } catch (error) {
      this.#unlessClosed(error, `give back space of container ${containerName(container)}`);
    }
    return punched;
  }

  /** Containers that have been sealed since, and once, those that an earlier run left. */
  async #sweep(): Promise<boolean> {
    let looked = false;
    for (const container of [...this.#open]) {
      if (this.#parts.extents.isActive(container)) continue;
      await this.#tryRemove(container);
      if (!this.#open.has(container)) looked = true;
    }
    const start = this.#sweepFrom;
    if (!start) return looked;
    const { end } = spaceBounds(SPACE.container);
    const page = await this.#parts.commands.read('collector', (tx) =>
      tx.range({ start, end, limit: CONTAINERS_PER_SWEEP }),
    );
    for (const { key } of page) await this.#tryRemove(containerId(containerOfRunKey(key)));
    const last = page.at(-1);
    this.#sweepFrom = last && page.length === CONTAINERS_PER_SWEEP ? successor(last.key) : undefined;
    if (this.#sweepFrom) this.#leftSome = true;
    return true;
  }

  async #tryRemove(container: ContainerId): Promise<void> {
    try {
      await this.#remove(container);
    } catch (error) {
      this.#open.delete(container);
      this.#unlessClosed(error, `remove container ${containerName(container)}`);
    }
  }

  async #remove(container: ContainerId): Promise<boolean> {
    const fate = await removeIfDead(this.#parts, container);
    if (fate.kind === 'open') this.#open.add(container);
    else this.#open.delete(container);
    if (fate.kind !== 'gone') return false;
    this.#add({ unlinkedContainers: 1, unlinkedBytes: fate.unlinkedBytes });
    return true;
  }

  /**
   * Runs a command for all records in one transaction; when one of them breaks an invariant, for each alone, so
   * that it holds up nothing but itself.
   */
  async #runEach<R>(
    command: Command<{ readonly sequences: readonly number[]; readonly steps: number }, R>,
    sequences: readonly number[],
  ): Promise<readonly R[]> {
    if (sequences.length === 0) return [];
    const { commands } = this.#parts;
    try {
      return [await commands.run(command, { sequences, steps: STEPS_PER_TRANSACTION })];
    } catch (error) {
      if (!(error instanceof InvariantError || isCorrupt(error))) throw error;
      const [only] = sequences;
      if (sequences.length === 1 && only !== undefined) {
        this.#refused.add(only);
        this.#fault(`${command.name} ${only}`, error);
        return [];
      }
    }
    const results: R[] = [];
    for (const sequence of sequences) results.push(...(await this.#runEach(command, [sequence])));
    return results;
  }

  /** The first records of a queue, those refused left out. */
  async #sequences(bounds: Bounds): Promise<readonly number[]> {
    const limit = RECORDS_PER_BATCH + this.#refused.size;
    const page = await this.#parts.commands.read('collector', (tx) =>
      tx.range({ ...bounds, limit, onDamaged: LEAVE_OUT }),
    );
    if (page.length === limit) this.#leftSome = true;
    return page.map(({ key }) => sequenceOfKey(key)).filter((sequence) => !this.#refused.has(sequence));
  }

  async #count(space: number, countMax: number): Promise<number> {
    const { end } = spaceBounds(space);
    let count = 0;
    for (let from: Buffer | undefined = spaceBounds(space).start; from && count < countMax; ) {
      const start: Buffer = from;
      const page = await this.#parts.commands.read('collector', (tx) =>
        tx.range({ start, end, limit: Math.min(RECORDS_PER_BATCH, countMax - count), onDamaged: LEAVE_OUT }),
      );
      count += page.length;
      const last = page.at(-1);
      from = last && page.length === RECORDS_PER_BATCH ? successor(last.key) : undefined;
    }
    return count;
  }

  #unlessClosed(cause: unknown, doing: string): void {
    const error = fromExtents(cause);
    if (error instanceof FsError && error.code === 'Closed') throw error;
    this.#fault(doing, error);
  }

  #fault(doing: string, error: unknown): void {
    if (error instanceof FsError && error.code === 'NoSpace') return;
    this.#add({ faults: 1 });
    this.#parts.onFault?.({ doing, error });
  }

  #add(more: Partial<CollectorCounts>): void {
    const sums = { ...this.#counts };
    for (const [name, count] of Object.entries(more) as [keyof CollectorCounts, number][]) {
      sums[name] += count;
    }
    this.#counts = sums;
  }
}

function isCorrupt(error: unknown): boolean {
  return error instanceof FsError && error.code === 'Corrupt';
}

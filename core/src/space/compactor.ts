/**
 * The compactor: empties segments that take much more of the disk than is alive in them, in the background, and leaves
 * them to the collector; and merges files that lie in many small pieces.
 *
 * It keeps no state that matters: a batch is copied, and re-pointed in one transaction, or it never was. One runs on a
 * store at a time.
 */

import { ExtentError, type ExtentStore, type ScannedFrame } from '@facet/extents';
import { fromExtents } from '../contents/read.ts';
import { FsError, type FsErrorCode } from '../errors.ts';
import type { Pace } from '../scrub/pace.ts';
import { FragmentSweep } from './fragments.ts';
import { liveSources } from './liveExtents.ts';
import { Batches, Mover, type MoverParts } from './move.ts';
import type { Source } from './repoint.ts';
import { systemTimer, type Timer } from './timer.ts';
import { SegmentChoice, type WastefulSegment } from './wastefulSegments.ts';

/** How often it is looked what is worth the work. */
const LOOK_MS = 10_000;
/** Looks between two sweeps for files in pieces; more of them where a sweep is long. */
const LOOKS_PER_SWEEP = 6;
/** A thousand map entries count for as much at the pace: some 32 looks a second. */
const BYTES_OF_A_LOOK = 1 << 20;
/** So a sweep takes a tenth of the time at most. */
const READS_PER_LOOK = 32;
const FRAMES_PER_READ = 64;
/** Of a run that is asked for: what dies meanwhile is looked for so often again. */
const PASSES_MAX = 8;

/** On a full disk the collector's work comes first; a store in another process may be away for a moment. */
const WAITS: ReadonlySet<FsErrorCode> = new Set(['NoSpace', 'Busy', 'Interrupted']);

export interface CompactorParts extends MoverParts {
  readonly extents: Pick<ExtentStore, 'append' | 'read' | 'scan' | 'status' | 'isActive'>;
  /** What the work in the background is kept to. */
  readonly pace: Pick<Pace, 'take'>;
  /** Whether there is room for copies, and for who comes in between. */
  readonly hasRoom: (bytes: number) => Promise<boolean>;
  readonly timer?: Timer;
  /** Told of what went wrong, but for a full disk. */
  readonly onFault?: (fault: { readonly doing: string; readonly error: unknown }) => void;
}

/** Counted since the compactor was made. */
export interface CompactorCounts {
  /** Segments that were gone through. */
  readonly segments: number;
  readonly movedExtents: number;
  readonly movedBytes: number;
  /** By so many files are made of fewer pieces. */
  readonly mergedPieces: number;
  /** Copied in vain: changed meanwhile. */
  readonly outdated: number;
  /** Left where they are, since they can not be read as they were written. */
  readonly damaged: number;
  readonly faults: number;
}

/** What one run did. */
export interface Compacted extends Omit<CompactorCounts, 'faults'> {
  /** False when it was ended early. */
  readonly complete: boolean;
}

export interface CompactOptions {
  readonly pace: Pick<Pace, 'take'>;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: CompactProgress) => void;
}

/** In bytes that are moved. */
interface CompactProgress {
  readonly bytes: number;
  readonly bytesExpected: number;
}

/** What is there stays: whoever reads it finds out. */
const LEAVE_IT = () => undefined;

export class Compactor {
  readonly #parts: CompactorParts;
  readonly #timer: Timer;
  readonly #mover: Mover;
  readonly #choice: SegmentChoice;
  readonly #fragments: FragmentSweep;
  readonly #ending = new AbortController();
  /** Ends what the background is at. */
  #yielding = new AbortController();
  #counts: CompactorCounts = {
    segments: 0,
    movedExtents: 0,
    movedBytes: 0,
    mergedPieces: 0,
    outdated: 0,
    damaged: 0,
    faults: 0,
  };
  /** One pass at a time. */
  #turn: Promise<unknown> = Promise.resolve();
  #running: Promise<void> | undefined;
  #endRest: (() => void) | undefined;

  constructor(parts: CompactorParts) {
    this.#parts = parts;
    this.#timer = parts.timer ?? systemTimer;
    this.#mover = new Mover(parts);
    this.#choice = new SegmentChoice(parts);
    this.#fragments = new FragmentSweep(parts.commands);
  }

  get counts(): CompactorCounts {
    return this.#counts;
  }

  /** Works in the background from now on. */
  start(): void {
    this.#running ??= this.#loop();
  }

  /** Resolves when the batch under way is done; nothing is begun after that. */
  async stop(): Promise<void> {
    this.#ending.abort();
    this.#endRest?.();
    await this.#running;
    await this.#turn;
  }

  /**
   * Empties what there is to empty by now, at another pace than the background's.
   * @throws FsError NoSpace | Failed | Closed
   */
  async run(options: CompactOptions): Promise<Compacted> {
    const before = this.#counts;
    const signal = AbortSignal.any([this.#ending.signal, ...(options.signal ? [options.signal] : [])]);
    let [bytes, bytesExpected] = [0, 0];
    const work: Work = {
      pace: options.pace,
      signal,
      patient: false,
      onChosen: (chosen) => {
        bytesExpected = bytes + chosen;
      },
      onMoved: (moved) => {
        bytes += moved;
        options.onProgress?.({ bytes, bytesExpected });
      },
    };
    // What is done slowly is done here.
    this.#yielding.abort();
    this.#yielding = new AbortController();
    // First, since it leaves places in segments behind.
    await this.#inTurn(() => this.#merge(work, { onlyQuiet: false }));
    for (let pass = 0; pass < PASSES_MAX && !signal.aborted; pass += 1)
      if ((await this.#pass(work)).chosen === 0) break;
    const after = this.#counts;
    return {
      segments: after.segments - before.segments,
      movedExtents: after.movedExtents - before.movedExtents,
      movedBytes: after.movedBytes - before.movedBytes,
      mergedPieces: after.mergedPieces - before.mergedPieces,
      outdated: after.outdated - before.outdated,
      damaged: after.damaged - before.damaged,
      complete: !signal.aborted,
    };
  }

  async #loop(): Promise<void> {
    const { signal } = this.#ending;
    for (let looks = 1, sweepAt = LOOKS_PER_SWEEP, rests = true; !signal.aborted; looks += 1) {
      if (rests) await this.#rest();
      if (signal.aborted) return;
      const ended = AbortSignal.any([signal, this.#yielding.signal]);
      const work: Work = { pace: this.#parts.pace, signal: ended, patient: true };
      rests = true;
      try {
        rests = (await this.#pass(work)).isOver;
        if (looks < sweepAt) continue;
        const reads = await this.#inTurn(() => this.#merge(work, { onlyQuiet: true }));
        sweepAt = looks + Math.max(LOOKS_PER_SWEEP, Math.ceil(reads / READS_PER_LOOK));
      } catch (error) {
        if (error instanceof FsError && error.code === 'Closed') return;
        if (!(error instanceof FsError && WAITS.has(error.code))) this.#fault('compact', error);
      }
    }
  }

  #rest(): Promise<void> {
    return new Promise((resolve) => {
      const handle = this.#timer.after(LOOK_MS, resolve);
      this.#endRest = () => {
        handle.cancel();
        resolve();
      };
    });
  }

  /** Goes through the worst; in the background until it is time to look anew which they are. */
  #pass(work: Work): Promise<{ readonly chosen: number; readonly isOver: boolean }> {
    return this.#inTurn(async () => {
      if (work.signal.aborted) return { chosen: 0, isOver: true };
      const segments = await this.#choice.choose(work);
      work.onChosen?.(segments.reduce((sum, { liveBytes }) => sum + liveBytes, 0));
      let isOld = false;
      const aging = this.#timer.after(LOOK_MS, () => {
        isOld = work.patient;
      });
      let left = segments.length;
      for (const segment of segments) {
        if (isOld || !(await this.#empty(segment, work))) break;
        this.#choice.judged(segment);
        this.#add({ segments: 1 });
        left -= 1;
      }
      aging.cancel();
      return { chosen: segments.length, isOver: left === 0 || work.signal.aborted };
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const over = this.#turn.then(work);
    this.#turn = over.catch(() => undefined);
    return over;
  }

  /** @returns false when it was ended before the segment was gone through */
  async #empty({ container }: WastefulSegment, work: Work): Promise<boolean> {
    const { commands, extents } = this.#parts;
    const batches = new Batches((sources, bytes) => this.#move(sources, bytes, work));
    let frames: ScannedFrame[] = [];
    const look = async (): Promise<void> => {
      const found = { container, frames };
      frames = [];
      for (const source of await commands.read('compact', (tx) => liveSources(tx, found)))
        await batches.add(source);
    };
    try {
      for await (const frame of extents.scan(container, { headersOnly: true, onUnreadable: LEAVE_IT })) {
        frames.push(frame);
        if (frames.length === FRAMES_PER_READ) await look();
        if (work.signal.aborted) return false;
      }
    } catch (error) {
      // Gone: all of it died meanwhile.
      if (!(error instanceof ExtentError && error.code === 'Missing')) throw fromExtents(error);
    }
    await look();
    await batches.end();
    return !work.signal.aborted;
  }

  /** Merges pieces of files. @returns how many thousands of map entries it looked at */
  async #merge(work: Work, { onlyQuiet }: { readonly onlyQuiet: boolean }): Promise<number> {
    const { pace, signal } = work;
    let reads = 0;
    const goOn = async (): Promise<boolean> => {
      reads += 1;
      await pace.take(BYTES_OF_A_LOOK, signal);
      return !signal.aborted;
    };
    const batches = new Batches((sources, bytes) => this.#move(sources, bytes, work));
    for await (const source of this.#fragments.stretches({ onlyQuiet, goOn })) await batches.add(source);
    await batches.end();
    return reads;
  }

  async #move(sources: readonly Source[], bytes: number, { pace, signal, onMoved }: Work): Promise<void> {
    await pace.take(bytes, signal);
    if (signal.aborted) return;
    if (!(await this.#parts.hasRoom(bytes)))
      throw new FsError(
        'NoSpace',
        'there is too little room on the disk to move bytes: delete something first',
      );
    const { moved, movedBytes, pieces, outdated, damaged } = await this.#mover.move(sources);
    this.#add({ movedExtents: moved, movedBytes, mergedPieces: pieces - moved, outdated, damaged });
    onMoved?.(bytes);
  }

  #fault(doing: string, error: unknown): void {
    this.#add({ faults: 1 });
    this.#parts.onFault?.({ doing, error });
  }

  #add(more: Partial<CompactorCounts>): void {
    const sums = { ...this.#counts };
    for (const [name, count] of Object.entries(more) as [keyof CompactorCounts, number][]) {
      sums[name] += count;
    }
    this.#counts = sums;
  }
}

/** One pass, and who is told of it. */
interface Work {
  readonly pace: Pick<Pace, 'take'>;
  readonly signal: AbortSignal;
  /** It is done in the background, and waits for what still dies. */
  readonly patient: boolean;
  readonly onChosen?: (liveBytes: number) => void;
  readonly onMoved?: (bytes: number) => void;
}

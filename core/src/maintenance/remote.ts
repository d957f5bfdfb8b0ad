/** Maintenance by another process: what is asked for here, and answered there. */

import { FsError } from '../errors.ts';
import type { ScrubReport } from '../scrub/report.ts';
import type { Compacted } from '../space/compactor.ts';
import type { Answers, OtherEnd } from '../workers/protocol.ts';
import type { Maintenance, PacedWork, WorkProgress } from './maintenance.ts';

interface Task {
  /** Chosen by who asks. */
  readonly task: number;
  readonly bytesPerSecond: number;
}

/** What the store asks of the process of maintenance. */
export type MaintenanceCalls = {
  readonly scrub: { readonly params: Task; readonly result: ScrubReport };
  readonly compact: { readonly params: Task; readonly result: Compacted };
  /** The task ends early: its answer comes soon. */
  readonly endEarly: { readonly params: { readonly task: number }; readonly result: null };
};

/** What it tells of what it is at. */
export type ProgressCalls = {
  readonly progress: {
    readonly params: { readonly task: number; readonly progress: WorkProgress };
    readonly result: null;
  };
};

/** For who asks. */
export class RemoteMaintenance implements Maintenance {
  #end: OtherEnd<MaintenanceCalls> | undefined;
  #lastTask = 0;
  readonly #underWay = new Map<number, PacedWork>();

  /** Of whoever is connected. */
  readonly answers: Answers<ProgressCalls> = {
    progress: ({ task, progress }) => {
      this.#underWay.get(task)?.onProgress?.(progress);
      return null;
    },
  };

  connected(end: OtherEnd<MaintenanceCalls>): void {
    this.#end = end;
  }

  /** What it was at fails by itself. */
  left(end: OtherEnd<MaintenanceCalls>): void {
    if (this.#end === end) this.#end = undefined;
  }

  scrub(work: PacedWork): Promise<ScrubReport> {
    return this.#ask(work, (end, task) => end.call('scrub', task));
  }

  compact(work: PacedWork): Promise<Compacted> {
    return this.#ask(work, (end, task) => end.call('compact', task));
  }

  async #ask<R>(
    work: PacedWork,
    ask: (end: OtherEnd<MaintenanceCalls>, task: Task) => Promise<R>,
  ): Promise<R> {
    const end = this.#end;
    if (end === undefined) throw new FsError('Busy', 'the process of maintenance is away: ask again');
    this.#lastTask += 1;
    const task = this.#lastTask;
    const endEarly = (): void => {
      end.call('endEarly', { task }).catch(() => undefined);
    };
    this.#underWay.set(task, work);
    work.signal?.addEventListener('abort', endEarly);
    try {
      const answer = ask(end, { task, bytesPerSecond: work.bytesPerSecond });
      if (work.signal?.aborted) endEarly();
      return await answer;
    } finally {
      work.signal?.removeEventListener('abort', endEarly);
      this.#underWay.delete(task);
    }
  }
}

/** Progress is told no more often. */
const TOLD_MS = 200;

/** For who is asked. */
export class MaintenanceTasks {
  readonly #maintenance: Maintenance;
  readonly #teller: () => OtherEnd<ProgressCalls> | undefined;
  readonly #underWay = new Map<number, AbortController>();

  /** @param teller who is told of progress; undefined while it is away */
  constructor(maintenance: Maintenance, teller: () => OtherEnd<ProgressCalls> | undefined) {
    this.#maintenance = maintenance;
    this.#teller = teller;
  }

  readonly answers: Answers<MaintenanceCalls> = {
    scrub: (task) => this.#work(task, (work) => this.#maintenance.scrub(work)),
    compact: (task) => this.#work(task, (work) => this.#maintenance.compact(work)),
    endEarly: ({ task }) => {
      this.#underWay.get(task)?.abort();
      return null;
    },
  };

  /** Nobody waits any more for what is under way. */
  endAll(): void {
    for (const controller of this.#underWay.values()) controller.abort();
  }

  async #work<R>({ task, bytesPerSecond }: Task, work: (how: PacedWork) => Promise<R>): Promise<R> {
    const controller = new AbortController();
    this.#underWay.set(task, controller);
    let toldAt = Number.NEGATIVE_INFINITY;
    const onProgress = (progress: WorkProgress): void => {
      const now = performance.now();
      if (now - toldAt < TOLD_MS && progress.bytes < progress.bytesExpected) return;
      toldAt = now;
      this.#teller()
        ?.call('progress', { task, progress })
        .catch(() => undefined);
    };
    try {
      return await work({ bytesPerSecond, signal: controller.signal, onProgress });
    } finally {
      // A store that came back counts its tasks anew, and may have begun another one of that number.
      if (this.#underWay.get(task) === controller) this.#underWay.delete(task);
    }
  }
}

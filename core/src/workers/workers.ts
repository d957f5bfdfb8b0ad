import { type ContainerId, type ExtentStore, forwarded } from '@facet/extents';
import type { Commands } from '../commands/command.ts';
import { publishing } from '../contents/discard.ts';
import type { Staging } from '../contents/staging.ts';
import type { StagedBody } from '../objects/types.ts';
import type { Pins } from '../space/pins.ts';
import { systemTimer, type Timer } from '../space/timer.ts';
import { COMMAND_OF } from './callTable.ts';
import type { Answers, OtherEnd, StoreCalls, WorkerCalls } from './protocol.ts';

/** A worker that does not answer for so long holds back what could be reclaimed, and no more. */
const ANSWER_MS_MAX = 5_000;

export interface WorkersParts {
  readonly commands: Commands;
  readonly staging: () => Staging;
  /** The readers of this process. */
  readonly pins: Pins;
  /** Has other processes see all that was acknowledged. */
  readonly settle: () => Promise<void>;
  /** How long an answer may take. By the system's timer unless told. */
  readonly timer?: Timer;
  /** The disk is full: one of the workers met that. */
  readonly onFullDisk: () => void;
  /** A worker is no more, and nothing of it is under way: what it left behind can be looked for. */
  readonly onEnded: () => void;
}

interface Worker {
  readonly instance: Buffer;
  /** Undefined before it has come, and when it is gone though its process may not be. */
  store: OtherEnd<WorkerCalls> | undefined;
  /** Containers that were removed, and that it was not told of: it may have them open. */
  removed: ContainerId[];
}

/** What the store's process knows of its workers. Each is known by its run's instance, which its leases name. */
export class Workers {
  readonly #parts: WorkersParts;
  readonly #running = new Map<string, Worker>();
  #full = false;

  constructor(parts: WorkersParts) {
    this.#parts = parts;
  }

  /** A worker runs, or is about to. Said before its first call, and of those that ran on when this process ended. */
  expect(instance: Uint8Array): void {
    const worker: Worker = { instance: Buffer.from(instance), store: undefined, removed: [] };
    this.#running.set(worker.instance.toString('hex'), worker);
  }

  isRunning(instance: Buffer): boolean {
    return this.#running.has(instance.toString('hex'));
  }

  /** It can be asked from now on. @returns undefined for a stranger */
  joined(instance: Buffer, caller: OtherEnd<WorkerCalls>): Answers<StoreCalls> | undefined {
    const worker = this.#running.get(instance.toString('hex'));
    if (worker === undefined) return undefined;
    worker.store = caller;
    // Also that there is room: the worker may have lived through a full disk that the store before knew of.
    tell(caller.call('room', { full: this.#full }));
    return {
      run: ({ command, args }) => this.#run(command, args),
      settle: async () => {
        await this.#parts.settle();
        return null;
      },
      metFullDisk: () => {
        this.#parts.onFullDisk();
        return null;
      },
    };
  }

  /** It cannot be asked any more. */
  left(instance: Buffer, caller: OtherEnd<WorkerCalls>): void {
    const worker = this.#running.get(instance.toString('hex'));
    if (worker?.store === caller) worker.store = undefined;
  }

  /** Its process is no more, and all that it asked for is over. */
  ended(instance: Buffer): void {
    if (this.#running.delete(instance.toString('hex'))) this.#parts.onEnded();
  }

  set full(full: boolean) {
    this.#full = full;
    for (const { store } of this.#running.values()) if (store) tell(store.call('room', { full }));
  }

  async #run(name: string, args: unknown): Promise<unknown> {
    const command = COMMAND_OF.get(name);
    if (command === undefined) throw new Error(`no worker may run ${name}`);
    const { commands } = this.#parts;
    // See COMMAND_OF: who asked knows the types.
    const run = (given: unknown): Promise<unknown> => commands.run(command, given as never);
    if (!hasLooseBody(args)) return run(args);
    const body = await this.#parts.staging().stageBytes(args.body.bytes);
    return publishing(commands, body, () => run({ ...args, body }));
  }

  // ---- for the collector ----

  /** See Pins. */
  committed(sequence: number): void {
    this.#parts.pins.committed(sequence);
  }

  /** The oldest sequence that a reader of any process may refer to. */
  async oldest(): Promise<number> {
    // What a batch removed that failed after that.
    this.tellRemoved();
    const { pins } = this.#parts;
    const answers = await Promise.all(
      [...this.#running.values()].map(({ store }) => (store ? this.#oldestOf(store) : NOT_KNOWN)),
    );
    return Math.min(pins.oldest(), ...answers);
  }

  async #oldestOf(store: OtherEnd<WorkerCalls>): Promise<number> {
    const { pins, timer = systemTimer } = this.#parts;
    const { promise: late, resolve } = Promise.withResolvers<number>();
    const patience = timer.after(ANSWER_MS_MAX, () => resolve(NOT_KNOWN));
    const { lastCommitted: committed } = pins;
    try {
      return await Promise.race([store.call('oldestPin', { committed }), late]);
    } catch {
      return NOT_KNOWN;
    } finally {
      patience.cancel();
    }
  }

  /** The same store; what is removed from it is kept in mind for {@link tellRemoved}. */
  watch(extents: ExtentStore): ExtentStore {
    return {
      ...forwarded(extents),
      unlink: async (container) => {
        await extents.unlink(container);
        for (const { removed } of this.#running.values()) removed.push(container);
      },
    };
  }

  /** Has workers let go of what was removed since the last time. One that can not be asked is told when it can. */
  tellRemoved(): void {
    for (const worker of this.#running.values()) {
      const { store, removed: containers } = worker;
      if (store === undefined || containers.length === 0) continue;
      worker.removed = [];
      store.call('retire', { containers }).catch(() => {
        worker.removed = containers.concat(worker.removed);
      });
    }
  }
}

/** Whoever cannot be asked may be at anything. */
const NOT_KNOWN = 0;

/** To one that is gone there is nothing to tell. */
function tell(call: Promise<unknown>): void {
  call.catch(() => undefined);
}

interface WithLooseBody {
  readonly body: Extract<StagedBody, { kind: 'loose' }>;
}

function hasLooseBody(args: unknown): args is WithLooseBody {
  if (typeof args !== 'object' || args === null || !('body' in args)) return false;
  const { body } = args;
  return typeof body === 'object' && body !== null && 'kind' in body && body.kind === 'loose';
}

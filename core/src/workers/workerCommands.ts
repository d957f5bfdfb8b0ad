import type { EngineError, Op, ReadTx } from '@facet/engine';
import { type Command, type Commands, fromEngine } from '../commands/command.ts';
import type { StoreAccess } from './storeAccess.ts';

/** The metadata as another process keeps it, to read from. */
export interface Replica {
  /** Where reads wait for the disk: has what `op` will read brought to memory. Undefined: it may be run. */
  warm(op: (tx: ReadTx) => Op<unknown>): Promise<void> | undefined;
  /** One snapshot of this moment. @throws EngineError Closed | Failed */
  readAtOnce<T>(op: (tx: ReadTx) => Op<T>): T;
  /** What an error of {@link readAtOnce} means, if it was the engine's. */
  judge(): Promise<EngineError | undefined>;
}

/** How far what can be read here is behind what was acknowledged, by whatever process: numbers that go around at 2^31. */
export interface Freshness {
  /** Grows before anything is acknowledged. */
  given(): number;
  /** What `given` was when all until then could be read here. */
  settled(): number;
}

export interface WorkerCommandsParts {
  readonly access: StoreAccess;
  readonly replica: Replica;
  readonly freshness: Freshness;
  /** As {@link Commands.leftBehind}. */
  readonly onLeftBehind?: () => void;
}

/** Commands run in the store's process; reads here, on what is at least as new as anything acknowledged before. */
export class WorkerCommands implements Commands {
  readonly #parts: WorkerCommandsParts;

  constructor(parts: WorkerCommandsParts) {
    this.#parts = parts;
  }

  async run<A, R>(command: Command<A, R>, args: A): Promise<R> {
    const store = await this.#parts.access.reach();
    // The other end ran this very command: its result is this one's.
    return (await store.call('run', { command: command.name, args })) as R;
  }

  leftBehind(): void {
    this.#parts.onLeftBehind?.();
  }

  async read<T>(doing: string, op: (tx: ReadTx) => Op<T>): Promise<T> {
    const { access, freshness, replica } = this.#parts;
    const warming = replica.warm(op);
    if (warming) await warming;
    const given = freshness.given();
    while (!access.isThere || isBefore(freshness.settled(), given)) {
      // A store that went away meanwhile is settled when it is back.
      await (await access.reach()).call('settle', null).catch(() => undefined);
    }
    try {
      return replica.readAtOnce(op);
    } catch (error) {
      throw fromEngine((await replica.judge()) ?? error, doing);
    }
  }
}

function isBefore(one: number, other: number): boolean {
  return ((one - other) | 0) < 0;
}

/** Eyes on the way of a command: which one commits, and whether it had when it was answered. */

import type { AsyncLocalStorage } from 'node:async_hooks';
import type { Bytes, Engine, Op, ReadTx, WriteTx } from '@facet/engine';
import { type Command, CommandRunner, runsWhenFull } from '../../src/commands/command.ts';
import { Broken } from './invariants.ts';

/** A command on its way: known where the engine commits. */
export interface UnderWay {
  readonly name: string;
  readonly args: unknown;
  /** It gives room back, or may at least run where there is none. */
  readonly frees: boolean;
  commits: number;
}

/** Says at every commit which command it was. */
export class ObservedCommands extends CommandRunner {
  readonly #underWay: AsyncLocalStorage<UnderWay>;

  constructor(parts: ConstructorParameters<typeof CommandRunner>, underWay: AsyncLocalStorage<UnderWay>) {
    super(...parts);
    this.#underWay = underWay;
  }

  override run<A, R>(command: Command<A, R>, args: A): Promise<R> {
    const underWay = { name: command.name, args, frees: runsWhenFull(command, args), commits: 0 };
    return this.#underWay.run(underWay, () => super.run(command, args));
  }
}

export interface WitnessParts {
  readonly inner: Engine;
  readonly underWay: AsyncLocalStorage<UnderWay>;
  /** Told of what must never be. */
  readonly onBroken: (broken: Error) => void;
  /** The device failed under the metadata: the process ends, and nobody is answered any more. */
  readonly onDeviceFailure: () => void;
}

/** The engine as the core has it: what it acknowledges must have been committed by then. */
export class WitnessedEngine implements Engine {
  readonly #parts: WitnessParts;

  constructor(parts: WitnessParts) {
    this.#parts = parts;
  }

  read<T>(op: (tx: ReadTx) => Op<T>): Promise<T> {
    return this.#parts.inner.read(op);
  }

  async write<T>(op: (tx: WriteTx) => Op<T>): Promise<T> {
    const { inner, underWay, onBroken, onDeviceFailure } = this.#parts;
    const command = underWay.getStore();
    const commitsBefore = command?.commits;
    let writes = 0;
    try {
      const result = await inner.write((tx) => {
        // Run again after a conflict, it writes again.
        writes = 0;
        return op(
          counting(tx, () => {
            writes += 1;
          }),
        );
      });
      if (command && writes > 0 && command.commits === commitsBefore)
        onBroken(new Broken('answersFollowCommits', `${command.name} was answered before it was committed`));
      return result;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EIO')) throw error;
      onDeviceFailure();
      return new Promise(() => undefined);
    }
  }

  spareBytes(): Promise<number> {
    return this.#parts.inner.spareBytes();
  }

  close(): Promise<void> {
    return this.#parts.inner.close();
  }
}

function counting(tx: WriteTx, count: () => void): WriteTx {
  return {
    get: (key) => tx.get(key),
    getMany: (keys) => tx.getMany(keys),
    range: (range) => tx.range(range),
    put: (key: Bytes, value: Bytes) => {
      count();
      tx.put(key, value);
    },
    delete: (key) => {
      count();
      tx.delete(key);
    },
  };
}

/**
 * Every mutation is a named command: a function of plain arguments and a context that holds all it may know of
 * time and chance. So it can be run again after a conflict, and in another process than the one that asked.
 */

import { type Engine, EngineError, type Op, type ReadTx, type WriteTx } from '@facet/engine';
import { FsError } from '../errors.ts';
import type { Timestamp } from '../ids.ts';

export interface CommandContext {
  /** 16 random bytes, one set an operation: the only source of randomness in it. */
  readonly operationId: Buffer;
  readonly now: Timestamp;
}

export interface Command<A, R> {
  readonly name: string;
  run(tx: WriteTx, args: A, context: CommandContext): Op<R>;
}

/** Where time and chance come in. */
export interface Environment {
  now(): Timestamp;
  randomBytes(count: number): Buffer;
}

/** Runs commands and reads against an engine and speaks the core's errors. */
export class CommandRunner {
  readonly #engine: Engine;
  readonly #environment: Environment;

  #committed: () => void = () => undefined;

  constructor(engine: Engine, environment: Environment) {
    this.#engine = engine;
    this.#environment = environment;
  }

  /** Has one listener told of every command that committed. */
  onCommit(listener: () => void): void {
    this.#committed = listener;
  }

  /** Resolves when the command's writes are on stable storage. */
  async run<A, R>(command: Command<A, R>, args: A): Promise<R> {
    const context = { operationId: this.#environment.randomBytes(16), now: this.#environment.now() };
    try {
      const result = await this.#engine.write((tx) => command.run(tx, args, context));
      this.#committed();
      return result;
    } catch (error) {
      throw fromEngine(error, command.name);
    }
  }

  /** Runs reads on one snapshot. `doing` names them in errors. */
  async read<T>(doing: string, op: (tx: ReadTx) => Op<T>): Promise<T> {
    try {
      return await this.#engine.read(op);
    } catch (error) {
      throw fromEngine(error, doing);
    }
  }
}

/** What an engine's error means to the core's callers; anything else passes unchanged. */
function fromEngine(error: unknown, doing: string): unknown {
  if (!(error instanceof EngineError)) return error;
  const message = `${doing}: ${error.message}`;
  switch (error.code) {
    case 'Full':
      return new FsError('NoSpace', message, { cause: error });
    case 'Contention':
      return new FsError('Busy', message, { cause: error });
    case 'Closed':
      return new FsError('Closed', message, { cause: error });
    case 'Failed':
      return new FsError('Failed', message, { cause: error });
  }
}

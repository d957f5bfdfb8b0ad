/**
 * Every mutation is a named command: a function of plain arguments and a context that holds all it may know of
 * time and chance. So it can be run again after a conflict, and in another process than the one that asked.
 */

import { DamagedRecord, type Engine, EngineError, type Op, type ReadTx, type WriteTx } from '@facet/engine';
import { FsError } from '../errors.ts';
import type { Timestamp } from '../ids.ts';
import { describeKey } from '../meta/keys.ts';
import type { Room } from '../space/room.ts';

export interface CommandContext {
  /** 16 random bytes, one set an operation: the only source of randomness in it. */
  readonly operationId: Buffer;
  readonly now: Timestamp;
  /** False on a full disk: what is there may be changed or go, and nothing may be added. */
  readonly mayGrow: boolean;
}

export interface Command<A, R> {
  readonly name: string;
  /**
   * Whether it runs on a full disk, too: it gives room back, or is one small record that must not be missed. What is
   * told nothing of is refused there.
   */
  readonly runsWhenFull?: true | ((args: A) => boolean);
  run(tx: WriteTx, args: A, context: CommandContext): Op<R>;
}

export function runsWhenFull<A, R>({ runsWhenFull }: Command<A, R>, args: A): boolean {
  return typeof runsWhenFull === 'function' ? runsWhenFull(args) : runsWhenFull === true;
}

/** What a command that would add something gets on a full disk. */
export function noRoomFor(doing: string): FsError {
  return new FsError('NoSpace', `${doing}: the disk is full: delete something, or make room on it`);
}

/** Where time and chance come in. */
export interface Environment {
  /** What time it is: somebody may set it, so that no duration follows from it. */
  now(): Timestamp;
  /** Milliseconds since some moment, which nobody sets. */
  monotonicMs(): number;
  randomBytes(count: number): Buffer;
}

/** What of it goes into the context of a command. */
export type CommandEnvironment = Pick<Environment, 'now' | 'randomBytes'>;

/** Runs commands and reads, wherever the engine is, and speaks the core's errors. */
export interface Commands {
  /** Resolves when the command's writes are on stable storage. */
  run<A, R>(command: Command<A, R>, args: A): Promise<R>;
  /** Runs reads on one snapshot. `doing` names them in errors. */
  read<T>(doing: string, op: (tx: ReadTx) => Op<T>): Promise<T>;
  /**
   * Told of bytes in a container of this run of which nobody here knows whether they are somebody's. Its recovery finds out:
   * the run had better not be long.
   */
  leftBehind?(): void;
}

/** Against an engine in this process. */
export class CommandRunner implements Commands {
  readonly #engine: Engine;
  readonly #environment: CommandEnvironment;

  #committed: () => void = () => undefined;
  #room: Room | undefined;

  constructor(engine: Engine, environment: CommandEnvironment) {
    this.#engine = engine;
    this.#environment = environment;
  }

  /** Has one listener told of every command that committed. */
  onCommit(listener: () => void): void {
    this.#committed = listener;
  }

  /** Refuses from now on what would take room while there is none, and tells the room of a full disk. */
  heed(room: Room): void {
    this.#room = room;
  }

  async run<A, R>(command: Command<A, R>, args: A): Promise<R> {
    const room = this.#room;
    let mayGrow = room?.full !== true || (await this.#admit(command, args));
    for (;;) {
      const fillings = room?.fillings;
      try {
        return await this.#attempt(command, args, mayGrow);
      } catch (error) {
        // Else it had the reserve already, or nobody releases one any more.
        const isReleased = fillings !== room?.fillings;
        if (!isFull(error) || !runsWhenFull(command, args) || !isReleased)
          throw fromEngine(error, command.name);
      }
      // It met the full disk, and has the reserve now.
      await room?.ready();
      mayGrow = false;
    }
  }

  /** Whether the metadata may grow, though the disk is full. @throws FsError NoSpace */
  async #admit<A, R>(command: Command<A, R>, args: A): Promise<boolean> {
    if (command.runsWhenFull !== true) {
      const mayGrow = await this.#room?.mayGrow();
      if (mayGrow === true) return true;
      if (!runsWhenFull(command, args)) throw noRoomFor(command.name);
    }
    await this.#room?.ready();
    return false;
  }

  async #attempt<A, R>(command: Command<A, R>, args: A, mayGrow: boolean): Promise<R> {
    const environment = this.#environment;
    const context = { operationId: environment.randomBytes(16), now: environment.now(), mayGrow };
    const room = this.#room;
    room?.begin();
    try {
      const result = await this.#engine.write((tx) => command.run(tx, args, context));
      this.#committed();
      return result;
    } catch (error) {
      if (isFull(error)) room?.met();
      throw error;
    } finally {
      room?.end();
    }
  }

  async read<T>(doing: string, op: (tx: ReadTx) => Op<T>): Promise<T> {
    try {
      return await this.#engine.read(op);
    } catch (error) {
      throw fromEngine(error, doing);
    }
  }
}

function isFull(error: unknown): boolean {
  return error instanceof EngineError && error.code === 'Full';
}

/** What an engine's error means to the core's callers; anything else passes unchanged. */
export function fromEngine(error: unknown, doing: string): unknown {
  if (!(error instanceof EngineError)) return error;
  const message = `${doing}: ${error.message}`;
  switch (error.code) {
    case 'Full':
      return new FsError('NoSpace', message, { cause: error });
    case 'Contention':
      return new FsError('Busy', message, { cause: error });
    case 'Closed':
      return new FsError('Closed', message, { cause: error });
    case 'TooLarge':
      return new FsError('TooMuchAtOnce', message, { cause: error });
    case 'Damaged':
      return new FsError('Corrupt', `${doing}: ${damageOf(error)}`, { cause: error, isOfMetadata: true });
    case 'Failed':
      return new FsError('Failed', message, { cause: error });
  }
}

/** With what the record is of: a listing that fails of it names nothing else. */
function damageOf(error: EngineError): string {
  if (!(error instanceof DamagedRecord)) return error.message;
  return `the metadata record ${describeKey(error.key)} is damaged: 'facet fsck' says more, while nobody serves the store`;
}

/** The store's process, as the supervisor has it. */

import type { Socket } from 'node:net';
import { EXIT } from '../../../exitCodes.ts';
import { CommandFailure } from '../../../failure.ts';
import type { Address } from '../../../settings/address.ts';
import type { StoreFacts } from '../../server.ts';
import type { FromStore, Run, Setup, ToStore } from '../protocol/messages.ts';
import type { Taker } from './distributor.ts';
import { type Ending, Subprocess } from './subprocess.ts';

/** As its process found, and logged in more words. */
export function storeIsDamaged(): CommandFailure {
  const message = 'the store is damaged: its process told how in the log';
  return new CommandFailure({ exitCode: EXIT.damage, code: 'Corrupt', message });
}

export class StoreChild implements Taker {
  readonly #process: Subprocess<ToStore, FromStore>;
  isToldToStop = false;

  constructor(inherited: readonly number[]) {
    this.#process = new Subprocess(inherited);
  }

  get ended(): Promise<Ending> {
    return this.#process.ended;
  }

  get ranMs(): number {
    return this.#process.ranMs;
  }

  /** Resolves when it is open. @throws CommandFailure */
  async start(
    parts: Setup & { readonly running: readonly Run[]; readonly nfsAt?: Address },
  ): Promise<StoreFacts> {
    const { facts } = await this.#process.begin({ kind: 'start', role: 'store', ...parts });
    return facts;
  }

  /** Of NFS. */
  take(socket: Socket): Promise<boolean> {
    return this.#process.hand({ kind: 'connection' }, socket);
  }

  /** Resolves when it knows of a worker that is about to start. */
  async expect({ instance, role }: Run): Promise<void> {
    const expected = this.#process.next('expected');
    this.#process.send({ kind: 'expect', instance, role });
    await expected;
  }

  workerEnded(instance: string): void {
    this.#process.send({ kind: 'ended', instance });
  }

  workersServe(count: number): void {
    this.#process.send({ kind: 'workers', count });
  }

  closeDoors(): void {
    this.#process.send({ kind: 'closeDoors' });
  }

  async stop(graceMs: number): Promise<void> {
    this.isToldToStop = true;
    await this.#process.stop({ kind: 'stop' }, graceMs);
  }
}

/** The store's process, as the supervisor has it. */

import { EXIT } from '../../../exitCodes.ts';
import { CommandFailure } from '../../../failure.ts';
import type { AcceptedAt } from '../../listen.ts';
import type { StoreFacts } from '../../server.ts';
import type { FromStore, Run, Setup, ToStore } from '../protocol/messages.ts';
import type { Taker } from './distributor.ts';
import { type Ending, Subprocess } from './subprocess.ts';

/** As its process found, and logged in more words. */
export function storeIsDamaged(): CommandFailure {
  const message = 'the store is damaged: its process told how in the log';
  return new CommandFailure({ exitCode: EXIT.damage, code: 'Corrupt', message });
}

export class StoreChild {
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

  /** Resolves when it is open. @param onLive called when its admin door is there, before @throws CommandFailure */
  async start(
    parts: Setup & { readonly running: readonly Run[]; readonly acceptedAt: AcceptedAt },
    onLive: () => void,
  ): Promise<StoreFacts> {
    // Of one that ends before, the rest of the start tells.
    this.#process.next('live').then(onLive, () => undefined);
    const { facts } = await this.#process.begin({ kind: 'start', role: 'store', ...parts });
    return facts;
  }

  taker(door: keyof AcceptedAt): Taker {
    return { take: (socket) => this.#process.hand({ kind: 'connection', door }, socket) };
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

  /** It said that it ends, or has ended. One that does not is killed. */
  async end(): Promise<void> {
    this.isToldToStop = true;
    await this.#process.gone();
  }

  async stop(graceMs: number): Promise<void> {
    this.isToldToStop = true;
    await this.#process.stop({ kind: 'stop' }, graceMs);
  }
}

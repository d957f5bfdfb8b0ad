/** The store's process, as the supervisor has it. */

import { EXIT } from '../../../exitCodes.ts';
import { CommandFailure } from '../../../failure.ts';
import type { AcceptedAt } from '../../listen.ts';
import type { StoreFacts } from '../../server.ts';
import type { FromStore, Run, ServedWith, Setup, ToStore } from '../protocol/messages.ts';
import type { Taker } from './distributor.ts';
import type { Seat, Seats } from './seats.ts';
import { type Ending, requestsOf, Subprocess } from './subprocess.ts';

/** As its process found, and logged in more words. */
export function storeIsDamaged(): CommandFailure {
  const message = 'the store is damaged: its process told how in the log';
  return new CommandFailure({ exitCode: EXIT.damage, code: 'Corrupt', message });
}

export class StoreChild {
  readonly #process: Subprocess<ToStore, FromStore>;
  readonly #seat: Seat;
  isToldToStop = false;

  constructor({ inherited, seats }: { readonly inherited: readonly number[]; readonly seats: Seats }) {
    this.#process = new Subprocess(inherited);
    this.#seat = seats.take(this.#process.ended);
  }

  get ended(): Promise<Ending> {
    return this.#process.ended;
  }

  get ranMs(): number {
    return this.#process.ranMs;
  }

  /** Resolves when it is open. @param onLive called when its admin door is there, before @throws CommandFailure */
  async start(
    parts: Setup & ServedWith & { readonly running: readonly Run[]; readonly acceptedAt: AcceptedAt },
    onLive: () => void,
  ): Promise<StoreFacts> {
    // Of one that ends before, the rest of the start tells.
    this.#process.next('live').then(onLive, () => undefined);
    const { facts } = await this.#process.begin({
      kind: 'start',
      role: 'store',
      seat: this.#seat.number,
      ...parts,
    });
    return facts;
  }

  /** Of a door that nobody else has. */
  taker(door: keyof AcceptedAt): Taker {
    return { open: 0, take: (socket) => this.#process.hand({ kind: 'connection', door }, socket) };
  }

  /** Of S3, which a worker has, too. */
  takerOfS3(): Taker {
    const seat = this.#seat;
    return {
      get open() {
        return seat.open;
      },
      take: (socket) => seat.give(() => this.#process.hand({ kind: 'connection', door: 's3' }, socket)),
    };
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

  /** Has S3's connections end: who is idle has `idleMs` for another request. Rejects when it ends before. */
  async drain(idleMs: number): Promise<void> {
    const drained = this.#process.next('drained');
    this.#process.send({ kind: 'drain', idleMs });
    await drained;
  }

  /** Requests of S3 under way; 0 from one that does not say. */
  count(): Promise<number> {
    const counted = this.#process.next('counted');
    this.#process.send({ kind: 'count' });
    return requestsOf(counted);
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

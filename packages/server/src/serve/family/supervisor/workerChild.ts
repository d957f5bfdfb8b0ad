/** A worker, as the supervisor has it. */

import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { FromWorker, Role, Run, ServedWith, Setup, ToWorker } from '../protocol/messages.ts';
import type { Taker } from './distributor.ts';
import type { Seat, Seats } from './seats.ts';
import { type Ending, requestsOf, Subprocess } from './subprocess.ts';

const INSTANCE_BYTES = 16;

export class WorkerChild implements Taker, Run {
  readonly role: Role;
  readonly place: number;
  /** Names this run, in hexadecimal: its leases bear it. */
  readonly instance = randomBytes(INSTANCE_BYTES).toString('hex');
  readonly #process: Subprocess<ToWorker, FromWorker>;
  readonly #seat: Seat;
  /** The store knows of it. */
  isAdmitted = false;
  /** It does what it is there for. */
  serves = false;

  constructor(parts: {
    readonly role: Role;
    readonly place: number;
    readonly inherited: readonly number[];
    readonly seats: Seats;
  }) {
    this.role = parts.role;
    this.place = parts.place;
    this.#process = new Subprocess(parts.inherited);
    this.#seat = parts.seats.take(this.#process.ended);
  }

  get name(): string {
    return this.role === 's3' ? `s3-${this.place}` : this.role;
  }

  get ended(): Promise<Ending> {
    return this.#process.ended;
  }

  get isOver(): boolean {
    return this.#process.isOver;
  }

  /** Resolves when another should take its place; rejects when it ends before. */
  get spent(): Promise<unknown> {
    return this.#process.next('spent');
  }

  get ranMs(): number {
    return this.#process.ranMs;
  }

  /** Resolves when it serves. @throws CommandFailure */
  async start(parts: Setup & ServedWith): Promise<void> {
    const { role, name, instance } = this;
    const { number: seat } = this.#seat;
    await this.#process.begin({ kind: 'start', role, name, instance, seat, ...parts });
  }

  get open(): number {
    return this.#seat.open;
  }

  take(socket: Socket): Promise<boolean> {
    return this.#seat.give(() => this.#process.hand({ kind: 'connection' }, socket));
  }

  async suspend(): Promise<void> {
    const suspended = this.#process.next('suspended');
    this.#process.send({ kind: 'suspend' });
    await suspended;
  }

  resume(): void {
    this.#process.send({ kind: 'resume' });
  }

  /** Requests under way; 0 from one that does not say. */
  count(): Promise<number> {
    const counted = this.#process.next('counted');
    this.#process.send({ kind: 'count' });
    return requestsOf(counted);
  }

  /** @param ending `idleMs`: what connections have for another request; `withoutStore`: that is away, and stays so */
  async stop(
    graceMs: number,
    ending: { readonly idleMs: number; readonly withoutStore: boolean },
  ): Promise<void> {
    if (this.isAdmitted) return this.#process.stop({ kind: 'stop', ...ending }, graceMs);
    // One that has not begun has nothing to finish.
    this.kill();
    await this.ended;
  }

  kill(): void {
    this.#process.kill();
  }
}

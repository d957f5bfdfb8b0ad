/** The store's process and the workers, as the supervisor has them. */

import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import { EXIT } from '../../exitCodes.ts';
import { CommandFailure } from '../../failure.ts';
import type { Address } from '../../settings/address.ts';
import type { ServeSettings } from '../../settings/settings.ts';
import { endsWithin } from '../deadline.ts';
import type { StoreFacts } from '../server.ts';
import type { Taker } from './distributor.ts';
import type { Meeting } from './meeting.ts';
import type { FromStore, FromWorker, Role, Run, ToStore, ToWorker } from './messages.ts';
import { type Ending, Subprocess } from './subprocess.ts';

/** What a process needs to end, besides the grace of what is in flight. */
const END_MS = 10_000;
const COUNT_MS_MAX = 1_000;
const INSTANCE_BYTES = 16;

interface Common {
  readonly settings: ServeSettings;
  readonly meeting: Meeting;
  readonly graceMs: number;
}

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
    return performance.now() - this.#process.startedMs;
  }

  /** Resolves when it is open. @throws CommandFailure */
  async start(
    parts: Common & { readonly running: readonly Run[]; readonly nfsAt?: Address },
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
    this.#process.send({ kind: 'stop' });
    if (!(await endsWithin(graceMs + END_MS, this.#process.ended))) this.#process.kill();
    await this.#process.ended;
  }
}

export class WorkerChild implements Taker, Run {
  readonly role: Role;
  readonly place: number;
  /** Names this run, in hexadecimal: its leases bear it. */
  readonly instance = randomBytes(INSTANCE_BYTES).toString('hex');
  readonly #process: Subprocess<ToWorker, FromWorker>;
  /** The store knows of it. */
  isAdmitted = false;
  /** It does what it is there for. */
  serves = false;

  constructor(parts: { readonly role: Role; readonly place: number; readonly inherited: readonly number[] }) {
    this.role = parts.role;
    this.place = parts.place;
    this.#process = new Subprocess(parts.inherited);
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

  get ranMs(): number {
    return performance.now() - this.#process.startedMs;
  }

  /** Resolves when it serves. @throws CommandFailure */
  async start(parts: Common): Promise<void> {
    const { role, name, instance } = this;
    await this.#process.begin({ kind: 'start', role, name, instance, ...parts });
  }

  take(socket: Socket): Promise<boolean> {
    return this.#process.hand({ kind: 'connection' }, socket);
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
  async count(): Promise<number> {
    const counted = this.#process.next('counted').then(
      ({ requests }) => requests,
      () => 0,
    );
    this.#process.send({ kind: 'count' });
    return (await endsWithin(COUNT_MS_MAX, counted)) ? counted : 0;
  }

  /** @param ending `idleMs`: what connections have for another request; `withoutStore`: that is away, and stays so */
  async stop(
    graceMs: number,
    ending: { readonly idleMs: number; readonly withoutStore: boolean },
  ): Promise<void> {
    this.#process.send({ kind: 'stop', ...ending });
    // One that has not begun understands nothing yet.
    const stops = this.isAdmitted && (await endsWithin(graceMs + END_MS, this.#process.ended));
    if (!stops) this.kill();
    await this.#process.ended;
  }

  kill(): void {
    this.#process.kill();
  }
}

import { type ChildProcess, fork } from 'node:child_process';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { CommandFailure } from '../../../failure.ts';
import { endsWithin } from '../../deadline.ts';
import type { FromStore, FromWorker, ToStore, ToWorker } from '../protocol/messages.ts';

/** The command is bundled into one folder, where this lies beside. */
const ENTRY = fileURLToPath(new URL('./child.js', import.meta.url));
const COUNT_MS_MAX = 1_000;
/** What it needs to end, besides the grace of what is in flight. */
const END_MS = 10_000;

export interface Ending {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A process that the supervisor started. It ends with the supervisor, however that ends. */
export class Subprocess<In extends ToStore | ToWorker, Out extends FromStore | FromWorker> {
  readonly #startedMs = performance.now();
  readonly ended: Promise<Ending>;
  readonly #child: ChildProcess;
  readonly #waiting = new Map<string, PromiseWithResolvers<Out>[]>();
  /** Connections on their way to it: what to call when it is no more. */
  readonly #onTheWay = new Set<() => void>();
  #isOver = false;

  /** @param inherited descriptors that become its 4th, 5th, … */
  constructor(inherited: readonly number[]) {
    this.#child = fork(ENTRY, { stdio: ['ignore', 'inherit', 'inherit', 'ipc', ...inherited] });
    this.#child.on('message', (message: Out) => this.#waiting.get(message.kind)?.shift()?.resolve(message));
    const { promise, resolve } = Promise.withResolvers<Ending>();
    this.ended = promise;
    const over = (ending: Ending): void => {
      if (this.#isOver) return;
      this.#isOver = true;
      for (const [kind, waiting] of this.#waiting) {
        for (const { reject } of waiting) reject(new Error(`the process ended before it said ${kind}`));
      }
      for (const giveUp of this.#onTheWay) giveUp();
      resolve(ending);
    };
    this.#child.on('exit', (code, signal) => over({ code, signal }));
    // It could not be started at all.
    this.#child.on('error', () => {
      if (this.#child.pid === undefined) over({ code: null, signal: null });
    });
  }

  get ranMs(): number {
    return performance.now() - this.#startedMs;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Tells it what it is. @returns what it says when it is ready @throws CommandFailure as it says when it can not be */
  async begin(start: In & { readonly kind: 'start' }): Promise<Extract<Out, { readonly kind: 'ready' }>> {
    const ready = this.next('ready');
    const failed = this.next('failed');
    // Only one of the two comes.
    ready.catch(() => undefined);
    failed.catch(() => undefined);
    this.send(start);
    const answer = await Promise.race([ready, failed]);
    if (answer.kind === 'ready') return answer;
    throw new CommandFailure(answer.failure);
  }

  /** What is sent to one that is gone is lost. */
  send(message: In): void {
    if (this.#child.connected) this.#child.send(message, () => undefined);
  }

  /** Hands a connection over. @returns whether it went; else it is the caller's still, as it was */
  hand(message: In, socket: Socket): Promise<boolean> {
    if (!this.#child.connected) return Promise.resolve(false);
    return new Promise((resolve) => {
      const over = (went: boolean): void => {
        this.#onTheWay.delete(giveUp);
        // The other process has a descriptor of its own by then, or, if it ends, the kernel closes that.
        if (went) socket.destroy();
        resolve(went);
      };
      const giveUp = (): void => over(false);
      this.#onTheWay.add(giveUp);
      // Node would keep it until the other process says that it came: for ever, should that end before.
      this.#child.send(message, socket, { keepOpen: true }, (error) => over(error === null));
    });
  }

  /** The next message of a kind. Rejects when the process ends before. */
  next<K extends Out['kind']>(kind: K): Promise<Extract<Out, { readonly kind: K }>> {
    if (this.#isOver) return Promise.reject(new Error(`the process has ended: it says no ${kind}`));
    const wanted = Promise.withResolvers<Out>();
    const waiting = this.#waiting.get(kind) ?? [];
    this.#waiting.set(kind, [...waiting, wanted]);
    return wanted.promise as Promise<Extract<Out, { readonly kind: K }>>;
  }

  /** Tells it to end. One that does not in time is killed. */
  async stop(message: In, graceMs: number): Promise<void> {
    this.send(message);
    await this.gone(graceMs);
  }

  /** Resolves when it has ended. @param graceMs what it has for that, beside a little; then it is killed */
  async gone(graceMs = 0): Promise<void> {
    if (!(await endsWithin(graceMs + END_MS, this.ended))) this.kill();
    await this.ended;
  }

  kill(): void {
    if (!this.#isOver) this.#child.kill('SIGKILL');
  }
}

/** What a process that was asked says is under way; 0 from one that does not say. */
export async function requestsOf(counted: Promise<{ readonly requests: number }>): Promise<number> {
  const known = counted.then(
    ({ requests }) => requests,
    () => 0,
  );
  return (await endsWithin(COUNT_MS_MAX, known)) ? known : 0;
}

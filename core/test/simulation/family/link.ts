/**
 * Calls between two processes of a world, as over a socket: copied, in order each way, each at a time that the seed
 * chooses. When one of the two is over, some of what was on its way still arrives.
 */

import { deserialize, serialize } from 'node:v8';
import {
  type Answers,
  errorCodec,
  interrupted,
  type MaintenanceCalls,
  type OtherEnd,
  type StoreCalls,
  type WorkerCalls,
} from '../../../src/index.ts';
import { below, type Random } from '../../random.ts';

type Calls = Readonly<Record<string, { readonly params: unknown; readonly result: unknown }>>;

interface Asked {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** What is on its way to one process. */
class Inbox {
  /** Resolves when something more may arrive. */
  readonly #turn: () => Promise<void>;
  #arriving: (() => void)[] = [];
  #isRunning = false;
  #isCut = false;

  constructor(turn: () => Promise<void>) {
    this.#turn = turn;
  }

  put(arrive: () => void): void {
    if (this.#isCut) return;
    this.#arriving.push(arrive);
    if (!this.#isRunning) void this.#run();
  }

  /** Only the first of what is on its way arrives, and then its end. */
  cut(random: Random, end: () => void): void {
    this.#arriving = this.#arriving.slice(0, below(random, this.#arriving.length + 1));
    this.put(end);
    this.#isCut = true;
  }

  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#arriving.length > 0) {
      await this.#turn();
      this.#arriving.shift()?.();
    }
    this.#isRunning = false;
  }
}

/** One end: answers calls of `Mine`, and makes calls of `Theirs`. */
export class LinkEnd<Mine extends Calls, Theirs extends Calls> implements OtherEnd<Theirs> {
  readonly #inbox: Inbox;
  readonly #asked = new Set<Asked>();
  readonly #over = Promise.withResolvers<void>();
  #other: LinkEnd<Theirs, Mine> | undefined;
  #answers: Partial<Answers<Mine>> | undefined;
  #isOver = false;
  #answering = new Set<Promise<void>>();

  constructor(turn: () => Promise<void>) {
    this.#inbox = new Inbox(turn);
  }

  /** From now on the other end can be called. What it answers with is to be said at once: see {@link serve}. */
  connect(other: LinkEnd<Theirs, Mine>): void {
    this.#other = other;
  }

  serve(answers: Partial<Answers<Mine>>): void {
    this.#answers = answers;
  }

  /** Resolves when the other end is gone. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Something that the other end asked for is under way. */
  get isAsked(): boolean {
    return this.#answering.size > 0;
  }

  /** Resolves when nothing that the other end asked for is under way. */
  async answered(): Promise<void> {
    await Promise.all(this.#answering);
  }

  call<M extends keyof Theirs & string>(
    method: M,
    params: Theirs[M]['params'],
  ): Promise<Theirs[M]['result']> {
    const other = this.#other;
    if (this.#isOver || other === undefined) return Promise.reject(interrupted());
    const sent = serialize(params);
    return new Promise<Theirs[M]['result']>((resolve, reject) => {
      const asked = { resolve, reject };
      this.#asked.add(asked);
      other.#inbox.put(() => {
        const answering = other.#answer(method, deserialize(sent)).then((answer) => {
          this.#inbox.put(() => {
            this.#asked.delete(asked);
            answer(asked);
          });
        });
        other.#answering.add(answering);
        void answering.then(() => other.#answering.delete(answering));
      });
    });
  }

  /** @returns has the other end know */
  async #answer(method: keyof Mine & string, params: unknown): Promise<(asked: Asked) => void> {
    try {
      const answer = this.#answers?.[method];
      if (answer === undefined) throw new Error(`there is no call ${method}`);
      const result = serialize(await answer(params));
      return ({ resolve }) => resolve(deserialize(result));
    } catch (error) {
      const encoded = errorCodec.encode(error);
      return ({ reject }) => reject(errorCodec.decode(encoded));
    }
  }

  cut(random: Random): void {
    this.#inbox.cut(random, () => this.end());
  }

  /** The other end is gone: nobody answers any more. */
  end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    for (const { reject } of this.#asked) reject(interrupted());
    this.#asked.clear();
    this.#over.resolve();
  }
}

/** Of maintenance only the process that does it is asked. */
type MemberCalls = WorkerCalls & MaintenanceCalls;
export type StoreEnd = LinkEnd<StoreCalls, MemberCalls>;
export type WorkerEnd = LinkEnd<MemberCalls, StoreCalls>;

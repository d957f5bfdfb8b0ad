/**
 * Calls between two processes of one server, both ways over one stream. Both ends are of one build: what one asks for is
 * what the other expects, and is not checked again. What is no message of theirs ends the connection, and nothing else.
 */

import type { Socket } from 'node:net';
import { FrameReader, FrameWriter } from './frames.ts';

/** By name: what a call takes, and what it gives. */
export type Protocol = Readonly<Record<string, { readonly params: unknown; readonly result: unknown }>>;

export type Handlers<P extends Protocol> = {
  readonly [M in keyof P]: (params: P[M]['params']) => Promise<P[M]['result']> | P[M]['result'];
};

/** How errors travel. */
export interface ErrorCodec {
  encode(error: unknown): unknown;
  decode(encoded: unknown): Error;
}

export interface ConnectionParts {
  readonly socket: Socket;
  readonly errors: ErrorCodec;
  /** What those get who wait for an answer when the other end is gone. */
  readonly lost: () => Error;
  /** Told what came that is no message; then the connection ends. */
  readonly onGarbled: (reason: Error) => void;
}

const KIND = { call: 0, result: 1, failure: 2 } as const;
type Message =
  | readonly [kind: typeof KIND.call, id: number, method: string, params: unknown]
  | readonly [kind: typeof KIND.result, id: number, result: unknown]
  | readonly [kind: typeof KIND.failure, id: number, error: unknown];

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** One end: answers calls of `Mine`, and makes calls of `Theirs`. */
export class Connection<Mine extends Protocol, Theirs extends Protocol> {
  readonly #parts: ConnectionParts;
  readonly #writer = new FrameWriter();
  readonly #reader = new FrameReader();
  readonly #waiting = new Map<number, Waiting>();
  #handlers: Handlers<Mine> | undefined;
  readonly #over = Promise.withResolvers<void>();
  #lastId = 0;
  #isOver = false;
  /** Calls of the other end that were not answered yet. */
  #answering = 0;
  #allAnswered: PromiseWithResolvers<void> | undefined;
  #allHeard: PromiseWithResolvers<void> | undefined;
  /** What this turn sends, written at its end: many messages share a system call. */
  #out: Buffer[] = [];

  constructor(parts: ConnectionParts) {
    this.#parts = parts;
    const { socket } = parts;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', () => socket.destroy());
    socket.on('close', () => this.#end());
  }

  /** Says how calls are answered. Before that there must be none: at once after it was made. */
  serve(handlers: Handlers<Mine>): void {
    this.#handlers = handlers;
  }

  /** Resolves when the other end is gone. What it asked for may still be under way: see {@link answered}. */
  get over(): Promise<void> {
    return this.#over.promise;
  }

  /** Resolves when nothing that the other end asked for is under way. */
  async answered(): Promise<void> {
    if (this.#answering === 0) return;
    this.#allAnswered ??= Promise.withResolvers<void>();
    await this.#allAnswered.promise;
  }

  call<M extends keyof Theirs & string>(
    method: M,
    params: Theirs[M]['params'],
  ): Promise<Theirs[M]['result']> {
    if (this.#isOver) return Promise.reject(this.#parts.lost());
    this.#lastId += 1;
    const id = this.#lastId;
    return new Promise<Theirs[M]['result']>((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#send([KIND.call, id, method, params]);
    });
  }

  /** Resolves when nothing that this end asked for is under way. */
  async idle(): Promise<void> {
    if (this.#waiting.size === 0) return;
    this.#allHeard ??= Promise.withResolvers<void>();
    await this.#allHeard.promise;
  }

  /** What was sent before arrives. */
  end(): void {
    setImmediate(() => this.#parts.socket.end());
  }

  /** What was sent before is not sure to arrive. */
  destroy(): void {
    this.#parts.socket.destroy();
  }

  #send(message: Message): void {
    if (this.#isOver) return;
    if (this.#out.length === 0) setImmediate(() => this.#flush());
    this.#out.push(...this.#writer.encode(message));
  }

  #flush(): void {
    const out = this.#out;
    this.#out = [];
    this.#parts.socket.write(Buffer.concat(out));
  }

  #take(chunk: Buffer): void {
    // What was on its way when this end gave the other up.
    if (this.#parts.socket.destroyed) return;
    try {
      for (const message of this.#reader.push(chunk)) this.#handle(messageOf(message));
    } catch (error) {
      this.#parts.socket.destroy();
      this.#parts.onGarbled(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #handle(message: Message): void {
    if (message[0] === KIND.call) {
      const [, id, method, params] = message;
      void this.#answer(id, method, params);
      return;
    }
    const [kind, id, outcome] = message;
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) throw new Error(`an answer to call ${id}, which nobody waits for`);
    if (kind === KIND.result) waiting.resolve(outcome);
    else waiting.reject(this.#parts.errors.decode(outcome));
    this.#waiting.delete(id);
    if (this.#waiting.size === 0) this.#heardAll();
  }

  async #answer(id: number, method: string, params: unknown): Promise<void> {
    this.#answering += 1;
    try {
      const handlers = this.#handlers;
      if (!handlers || !Object.hasOwn(handlers, method)) throw new Error(`there is no call ${method}`);
      const handler = handlers[method as keyof Mine];
      this.#send([KIND.result, id, await handler(params)]);
    } catch (error) {
      this.#send([KIND.failure, id, this.#parts.errors.encode(error)]);
    } finally {
      this.#answering -= 1;
      if (this.#answering === 0) {
        this.#allAnswered?.resolve();
        this.#allAnswered = undefined;
      }
    }
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    const waiting = [...this.#waiting.values()];
    this.#waiting.clear();
    for (const { reject } of waiting) reject(this.#parts.lost());
    this.#heardAll();
    this.#over.resolve();
  }

  #heardAll(): void {
    this.#allHeard?.resolve();
    this.#allHeard = undefined;
  }
}

/** @throws Error for what is none */
function messageOf(value: unknown): Message {
  if (Array.isArray(value) && Number.isSafeInteger(value[1])) {
    const [kind, id, third, params]: readonly unknown[] = value;
    if (kind === KIND.call && typeof third === 'string') return [kind, Number(id), third, params];
    if (kind === KIND.result || kind === KIND.failure) return [kind, Number(id), third];
  }
  throw new Error('a value that is no message');
}

/**
 * The body of a request on the wire: read only when an operation asks for it, so that `100 Continue` follows the
 * checks of head and sender, and a refused body can be dropped or its connection closed.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { S3Error } from '../errors.ts';
import type { Batching } from './batching.ts';
import type { Turns } from './turns.ts';

/** An unread rest up to this size is read and dropped, so that the connection can serve the next request. */
const DRAIN_BYTES_MAX = 1 << 20;
/**
 * Of a larger rest this much is read and dropped before the connection is closed. A client that sends before it
 * reads would otherwise see a reset in place of the answer.
 */
const LINGER_BYTES_MAX = 16 << 20;
const LINGER_MS_MAX = 5_000;
/** What comes beyond so much is a bulk transfer, and takes turns with others. */
const BULK_BYTES = 1 << 20;
/** What a piece takes besides its bytes, of which it may have a single one. */
const PIECE_BYTES = 256;

/** What becomes of the connection after the answer. */
export type Aftermath =
  /** The body is here, or none was announced, or what is left is small. */
  | 'keep'
  /** The client waits for `100 Continue` and will not get it: whether it then sends is its choice, so close. */
  | 'close'
  /** Too much is still to come: answer, read and drop some of it, close. */
  | 'linger';

export class RequestBody implements AsyncIterable<Buffer> {
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #turns: Turns;
  readonly #batching: Batching;
  #awaitsContinue: boolean;
  #opened = false;
  #begun = false;
  #listens = false;
  #bytesRead = 0;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(
    request: IncomingMessage,
    response: ServerResponse,
    options: { readonly awaitsContinue: boolean; readonly turns: Turns; readonly batching: Batching },
  ) {
    this.#request = request;
    this.#response = response;
    this.#awaitsContinue = options.awaitsContinue;
    this.#turns = options.turns;
    this.#batching = options.batching;
  }

  /** Bytes that an operation has asked for and got. */
  get bytesRead(): number {
    return this.#bytesRead;
  }

  [Symbol.asyncIterator](): AsyncIterator<Buffer, undefined, undefined> {
    this.#open();
    // Neither `return` nor `throw`: a consumer that stops early leaves the rest to `aftermath`.
    return { next: () => this.#next() };
  }

  /**
   * The same bytes, many at a time. The memory of a batch is gone when the next one is asked for: left to the garbage
   * collector it has V8 go through the whole heap for each 64 MiB that come, on all cores.
   */
  async *batches(): AsyncGenerator<readonly Buffer[], undefined, undefined> {
    this.#open();
    const request = this.#request;
    const batching = this.#batching;
    let batch: Buffer[] = [];
    let batchBytes = 0;
    const isFull = (): boolean => batchBytes + batch.length * PIECE_BYTES >= batching.batchBytes;
    const take = (chunk: Buffer): void => {
      this.#bytesRead += chunk.length;
      batch.push(chunk);
      batchBytes += chunk.length;
      if (!isFull()) return;
      request.pause();
      this.#stir();
    };
    batching.begin();
    this.#listenForEnd();
    request.on('data', take);
    try {
      for (;;) {
        while (!isFull() && !this.#hasEnded()) {
          request.resume();
          await this.#stirred();
        }
        if (this.#failure !== undefined) throw this.#failure;
        if (batchBytes === 0 && this.#isWhole()) return;
        if (batchBytes === 0) throw new S3Error('IncompleteBody');
        await this.#turns.take(batchBytes);
        yield batch;
        for (const chunk of batch) freeMemoryOf(chunk);
        batch = [];
        batchBytes = 0;
      }
    } finally {
      request.off('data', take);
      batching.end();
    }
  }

  #hasEnded(): boolean {
    const request = this.#request;
    if (this.#failure !== undefined || request.destroyed) return true;
    // What is still in the stream comes, as it flows.
    return this.#isWhole() && request.readableLength === 0;
  }

  #open(): void {
    if (this.#awaitsContinue) {
      this.#awaitsContinue = false;
      this.#response.writeContinue();
    }
    this.#opened = true;
  }

  /** Only for a body that has to be waited for: a small one is there with its head. */
  #listen(): void {
    if (this.#listens) return;
    this.#request.on('readable', this.#stir);
    this.#listenForEnd();
  }

  #listenForEnd(): void {
    this.#listens = true;
    const request = this.#request;
    request.on('end', this.#stir);
    request.on('close', this.#stir);
    request.on('error', this.#fail);
    request.on('timeout', this.#timeOut);
  }

  async #next(): Promise<IteratorResult<Buffer, undefined>> {
    if (!this.#begun) {
      this.#begun = true;
      // Node's parser may be in the middle of what the head came with: once it is through, the body is there.
      await undefined;
    }
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      const chunk: Buffer | null = this.#request.read();
      if (chunk !== null) {
        this.#bytesRead += chunk.length;
        if (this.#bytesRead > BULK_BYTES) await this.#turns.take(chunk.length);
        return { done: false, value: chunk };
      }
      // Node says so by an event, too, but that comes later.
      if (this.#isWhole()) return { done: true, value: undefined };
      if (this.#request.destroyed) throw new S3Error('IncompleteBody');
      this.#listen();
      await this.#stirred();
    }
  }

  #stirred(): Promise<void> {
    return new Promise<void>((resolve) => {
      this.#wake = resolve;
    });
  }

  #isWhole(): boolean {
    return this.#request.complete || this.#bytesRead === Number(this.#request.headers['content-length']);
  }

  readonly #stir = (): void => {
    this.#wake?.();
  };

  readonly #fail = (cause: Error): void => {
    this.#failure ??= new S3Error('IncompleteBody', undefined, { cause });
    this.#stir();
  };

  readonly #timeOut = (): void => {
    this.#failure ??= new S3Error('RequestTimeout');
    this.#stir();
  };

  /** To be asked when the answer is ready to be sent. */
  aftermath(): Aftermath {
    const request = this.#request;
    if (request.complete || !announcesBody(request)) return 'keep';
    if (this.#awaitsContinue) return 'close';
    if (this.#failure !== undefined) return 'close';
    const announced = Number(request.headers['content-length'] ?? Number.POSITIVE_INFINITY);
    return announced - this.#bytesRead <= DRAIN_BYTES_MAX ? 'keep' : 'linger';
  }

  /** Lets go of the request, and drops what is left of it. */
  release(): void {
    // Node does so by itself for a body that nobody began to read, and for no other.
    if (!this.#opened) return;
    const request = this.#request;
    if (this.#listens) {
      request.off('readable', this.#stir);
      request.off('end', this.#stir);
      request.off('close', this.#stir);
      request.off('timeout', this.#timeOut);
    }
    // The error listener stays, if there is one: without it a late reset would end the process.
    request.resume();
  }

  /** Reads and drops, until the body ends, or enough came, or time is up. */
  async linger(): Promise<void> {
    this.release();
    const request = this.#request;
    let left = LINGER_BYTES_MAX;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, LINGER_MS_MAX);
      const done = (): void => {
        clearTimeout(timer);
        resolve();
      };
      request.on('close', done);
      request.on('end', done);
      request.on('error', done);
      request.on('data', (chunk: Buffer) => {
        left -= chunk.length;
        if (left < 0) done();
      });
    });
  }
}

/** Unless it is shared with others. */
function freeMemoryOf({ buffer, byteLength }: Buffer): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength) buffer.transfer(0);
}

function announcesBody(request: IncomingMessage): boolean {
  const length = request.headers['content-length'];
  return request.headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/** One hashing thread as the thread that serves sees it. */
import { Buffer } from 'node:buffer';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { ComputedAlgorithm } from '../checksums/algorithms.ts';
import type { DigestValues } from '../checksums/bodyDigests.ts';
import { type Answer, newMemory, type Order, SLOT_BYTES, SLOTS, slotAddress } from './messages.ts';

/** The compiler mends the names in imports, and not this one. */
const CODE = new URL(`./thread${extname(import.meta.url)}`, import.meta.url);

interface OpenBody {
  /** Set once its digests are waited for. */
  ended?: PromiseWithResolvers<DigestValues>;
}

export class HashingThread {
  readonly #worker: Worker;
  readonly #memory: SharedArrayBuffer;
  readonly #free = Array.from({ length: SLOTS }, (_, slot) => slot);
  /** Of each slot: how many still read it. */
  readonly #readers = new Uint8Array(SLOTS);
  /** First come, first served. */
  #waiting: PromiseWithResolvers<number>[] = [];
  readonly #bodies = new Map<number, OpenBody>();
  #bodiesOpened = 0;
  #failure: Error | undefined;

  /** @param onEnd called once, when the thread is no more: whoever has it should use another. */
  constructor(onEnd: (thread: HashingThread) => void) {
    const memory = newMemory();
    this.#memory = memory.buffer;
    this.#worker = new Worker(CODE, { workerData: memory, name: 'facet-hashing' });
    // Requests keep the process alive, not a thread that waits for some.
    this.#worker.unref();
    this.#worker.on('message', (answer: Answer) => this.#take(answer));
    this.#worker.on('error', (cause) => this.#fail(new Error('a hashing thread failed', { cause })));
    this.#worker.on('exit', (code) => {
      this.#fail(new Error(`a hashing thread ended with code ${code}`));
      onEnd(this);
    });
  }

  /** How many bodies it has. */
  get bodies(): number {
    return this.#bodies.size;
  }

  get failed(): boolean {
    return this.#failure !== undefined;
  }

  /** @returns the body's number, to be ended or abandoned */
  open(algorithms: readonly ComputedAlgorithm[]): number {
    const body = this.#bodiesOpened++;
    this.#bodies.set(body, {});
    this.#tell({ kind: 'open', body, algorithms });
    return body;
  }

  /** A slot that is free, to be given to `update`. Rejects when the thread is no more. */
  async slot(): Promise<number> {
    if (this.#failure !== undefined) throw this.#failure;
    const free = this.#free.pop();
    if (free !== undefined) return free;
    const waiter = Promise.withResolvers<number>();
    this.#waiting.push(waiter);
    return await waiter.promise;
  }

  /** The memory of a slot, `SLOT_BYTES` long. */
  memoryOf(slot: number): Buffer {
    return Buffer.from(this.#memory, slotAddress(slot), SLOT_BYTES);
  }

  /**
   * The body's next bytes are the first so many of a slot. It is free once they are digested, and the caller let go of
   * it, too.
   */
  update(body: number, { slot, lengthBytes }: { readonly slot: number; readonly lengthBytes: number }): void {
    this.#readers[slot] = 2;
    this.#tell({ kind: 'update', body, slot, lengthBytes });
  }

  /** Once, by whoever had the slot: after `update`, or in place of it. */
  letGo(slot: number): void {
    const left = Math.max(0, (this.#readers[slot] ?? 0) - 1);
    this.#readers[slot] = left;
    if (left > 0) return;
    const waiter = this.#waiting.shift();
    if (waiter === undefined) this.#free.push(slot);
    else waiter.resolve(slot);
  }

  /** Rejects when the thread is no more. */
  async end(body: number): Promise<DigestValues> {
    const open = this.#bodies.get(body);
    if (this.#failure !== undefined || open === undefined) throw this.#failure ?? new Error('no such body');
    open.ended = Promise.withResolvers();
    this.#tell({ kind: 'end', body });
    return await open.ended.promise;
  }

  abandon(body: number): void {
    if (this.#bodies.delete(body)) this.#tell({ kind: 'abandon', body });
  }

  /** Ends the thread whatever it has. */
  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #tell(order: Order): void {
    this.#worker.postMessage(order);
  }

  #take(answer: Answer): void {
    if (answer.kind === 'digested') {
      this.letGo(answer.slot);
      return;
    }
    const open = this.#bodies.get(answer.body);
    this.#bodies.delete(answer.body);
    open?.ended?.resolve(new Map(answer.values.map(([algorithm, value]) => [algorithm, bufferOver(value)])));
  }

  #fail(failure: Error): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    for (const waiter of this.#waiting) waiter.reject(failure);
    this.#waiting = [];
    for (const { ended } of this.#bodies.values()) ended?.reject(failure);
    this.#bodies.clear();
  }
}

function bufferOver({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/**
 * Threads that hash large bodies, so that the one that serves need not: MD5 and CRC64 take 2.5 ms a MiB, in which it
 * serves nobody else.
 */
import type { ComputedAlgorithm } from '../checksums/algorithms.ts';
import { type BodyDigests, type ByteSink, InlineDigests } from '../checksums/bodyDigests.ts';
import { HashingThread } from './hashingThread.ts';
import { ThreadDigests } from './threadDigests.ts';

/** A shorter body holds the event loop for two or three milliseconds, and needs no message. */
const THREAD_BYTES_MIN = 1 << 20;

export interface BodyToHash {
  /** As announced. */
  readonly lengthBytes: number;
  readonly algorithms: ReadonlySet<ComputedAlgorithm>;
  /** Where its bytes go on to. */
  readonly to?: ByteSink;
}

export class HashingThreads {
  readonly #threadsMax: number;
  #threads: readonly HashingThread[] = [];

  /** Starts none: each is started when there is a body for it. */
  constructor(threadsMax: number) {
    this.#threadsMax = threadsMax;
  }

  open({ lengthBytes, algorithms, to }: BodyToHash): BodyDigests {
    const thread = lengthBytes < THREAD_BYTES_MIN || algorithms.size === 0 ? undefined : this.#leastBusy();
    return thread
      ? new ThreadDigests(thread, { algorithms: [...algorithms], to })
      : new InlineDigests(algorithms, to);
  }

  /** Ends them all; bodies that still are under way fail. */
  async close(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }

  #leastBusy(): HashingThread | undefined {
    const [first, ...others] = this.#threads.filter(({ failed }) => !failed);
    if (first === undefined) return this.#start();
    const least = others.reduce((best, thread) => (thread.bodies < best.bodies ? thread : best), first);
    const hasRoom = least.bodies > 0 && others.length + 1 < this.#threadsMax;
    return (hasRoom ? this.#start() : undefined) ?? least;
  }

  /** Undefined: none can be had. Each needs 8 GiB of address space, most of which is there to be never touched. */
  #start(): HashingThread | undefined {
    let thread: HashingThread;
    try {
      thread = new HashingThread((ended) => {
        this.#threads = this.#threads.filter((other) => other !== ended);
      });
    } catch {
      return undefined;
    }
    this.#threads = [...this.#threads, thread];
    return thread;
  }
}

/** The digests of one body, computed by a thread in the order of its bytes. */
import type { ComputedAlgorithm } from '../checksums/algorithms.ts';
import type { BodyDigests, DigestValues } from '../checksums/bodyDigests.ts';
import type { HashingThread } from './hashingThread.ts';
import { SLOT_BYTES } from './messages.ts';

/**
 * Bytes are copied once, into a slot, when there is enough for a whole one: a client that stalls holds none. They are
 * not handed over instead, for the store may still be writing from where they are.
 */
export class ThreadDigests implements BodyDigests {
  readonly #thread: HashingThread;
  readonly #body: number;
  #gathered: Buffer[] = [];
  #gatheredBytes = 0;

  constructor(thread: HashingThread, algorithms: readonly ComputedAlgorithm[]) {
    this.#thread = thread;
    this.#body = thread.open(algorithms);
  }

  update(bytes: Buffer): Promise<void> | undefined {
    this.#gathered.push(bytes);
    this.#gatheredBytes += bytes.length;
    return this.#gatheredBytes < SLOT_BYTES ? undefined : this.#handOver(SLOT_BYTES);
  }

  async end(): Promise<DigestValues> {
    await this.#handOver(1);
    return await this.#thread.end(this.#body);
  }

  abandon(): void {
    this.#gathered = [];
    this.#gatheredBytes = 0;
    this.#thread.abandon(this.#body);
  }

  /** Until fewer than `leastBytes` are left. Rejects when the thread is no more. */
  async #handOver(leastBytes: number): Promise<void> {
    while (this.#gatheredBytes >= leastBytes) {
      const slot = await this.#thread.slot();
      const lengthBytes = this.#fill(this.#thread.memoryOf(slot));
      this.#thread.update(this.#body, { slot, lengthBytes });
    }
  }

  /** @returns how many bytes were moved from what is gathered */
  #fill(memory: Buffer): number {
    const pieces = this.#gathered;
    this.#gathered = [];
    let filledBytes = 0;
    for (const piece of pieces) {
      const fits = piece.subarray(0, memory.length - filledBytes);
      memory.set(fits, filledBytes);
      filledBytes += fits.length;
      if (fits.length < piece.length) this.#gathered.push(piece.subarray(fits.length));
    }
    this.#gatheredBytes -= filledBytes;
    return filledBytes;
  }
}

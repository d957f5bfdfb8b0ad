/**
 * Bulk transfers take turns. Each turn of the event loop they move so many bytes together and leave the rest for the
 * next: whoever wants little else waits until a thousand large pieces were read, checked and written, ten times over
 * (eleven seconds for a small PUT beside a thousand 8 MiB GETs, before).
 */

/**
 * A millisecond of reading, hashing and writing, when this thread still hashed all that goes up. With eight times as
 * much the longest turns of a hundred held the event loop for 15 ms, not 2, and nothing went faster.
 */
const TURN_BYTES = 512 << 10;

interface Waiter {
  readonly lengthBytes: number;
  readonly go: () => void;
}

export class Turns {
  readonly #turnBytes: number;
  #usedBytes = 0;
  #waiting: Waiter[] = [];
  #ending = false;

  constructor(turnBytes = TURN_BYTES) {
    this.#turnBytes = turnBytes;
  }

  /**
   * To be awaited before so much is moved; `undefined` when it may be moved at once. First come, first served, and
   * one transfer a turn goes on however large it is.
   */
  take(lengthBytes: number): Promise<void> | undefined {
    if (!this.#ending) {
      this.#ending = true;
      setImmediate(this.#next);
    }
    if (this.#waiting.length === 0 && this.#fits(lengthBytes)) {
      this.#usedBytes += lengthBytes;
      return undefined;
    }
    return new Promise((go) => {
      this.#waiting.push({ lengthBytes, go });
    });
  }

  #fits(lengthBytes: number): boolean {
    return this.#usedBytes === 0 || this.#usedBytes + lengthBytes <= this.#turnBytes;
  }

  readonly #next = (): void => {
    this.#usedBytes = 0;
    let released = 0;
    for (const { lengthBytes, go } of this.#waiting) {
      if (!this.#fits(lengthBytes)) break;
      this.#usedBytes += lengthBytes;
      released += 1;
      go();
    }
    this.#waiting = this.#waiting.slice(released);
    this.#ending = released > 0;
    if (this.#ending) setImmediate(this.#next);
  };
}

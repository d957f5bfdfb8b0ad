import type { Timer } from '../src/space/timer.ts';

/** Time that passes when it is told to. */
export class ManualTimer implements Timer {
  readonly #waiting = new Set<{ readonly delayMs: number; readonly run: () => void }>();

  after(delayMs: number, run: () => void): { cancel(): void } {
    const waiting = { delayMs, run };
    this.#waiting.add(waiting);
    return { cancel: () => this.#waiting.delete(waiting) };
  }

  get delays(): readonly number[] {
    return [...this.#waiting].map(({ delayMs }) => delayMs);
  }

  fire(): void {
    for (const waiting of [...this.#waiting]) {
      this.#waiting.delete(waiting);
      waiting.run();
    }
  }

  /** Resolves when somebody waits for it. */
  async isAwaited(): Promise<void> {
    while (this.#waiting.size === 0) await new Promise((resolve) => setImmediate(resolve));
  }
}

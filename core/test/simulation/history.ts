import { createHash } from 'node:crypto';

/** Told of all that happens in a world, at its moment. */
export type OnEvent = (event: string) => void;

/** What happens in a world, in its order: every choice of the scheduler, and what follows from them. */
export class History {
  readonly #hash = createHash('sha256');
  readonly #onEvent: OnEvent | undefined;

  constructor(onEvent?: OnEvent) {
    this.#onEvent = onEvent;
  }

  note(event: string): void {
    this.#hash.update(`${event}\n`);
    this.#onEvent?.(event);
  }

  /** The same for the same history, and for no other. */
  get digest(): string {
    return this.#hash.copy().digest('hex');
  }
}

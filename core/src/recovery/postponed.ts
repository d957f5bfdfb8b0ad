import { FsError } from '../errors.ts';
import type { Recovered } from './recover.ts';

export interface PostponedRecoveryParts {
  /** @throws FsError NoSpace; what it had done until then is done */
  readonly recover: (signal: AbortSignal) => Promise<Recovered>;
  /** Told when it is over, unless that was at the start. */
  readonly onRecovered: (recovered: Recovered) => void;
  readonly onFault: (fault: { readonly doing: string; readonly error: unknown }) => void;
}

/**
 * Recovery that waits for room, if it must. On a disk that others filled, with the reserve gone, there may be none for
 * the little that recovery writes; reads need nothing of it, and what it looks for only takes room until it is found.
 */
export class PostponedRecovery {
  readonly #parts: PostponedRecoveryParts;
  #recovered: Recovered | undefined;
  #waits = false;
  #trying: Promise<void> | undefined;
  #isAskedAgain = false;
  readonly #stopping = new AbortController();

  constructor(parts: PostponedRecoveryParts) {
    this.#parts = parts;
  }

  /** What was found; undefined while it waits. */
  get recovered(): Recovered | undefined {
    return this.#recovered;
  }

  /** @throws FsError Failed | Closed | Corrupt; nothing when the disk is full */
  async start(): Promise<void> {
    try {
      this.#recovered = await this.#parts.recover(this.#stopping.signal);
      this.#waits = false;
    } catch (error) {
      if (!isOutOfRoom(error)) throw error;
      this.#waits = true;
    }
  }

  /** Once more, in the background: another run is over. */
  again(): void {
    this.#waits = true;
    this.#isAskedAgain = this.#trying !== undefined;
    this.retry();
  }

  /** To be called when there is room again. */
  retry(): void {
    if (!this.#waits || this.#stopping.signal.aborted) return;
    this.#trying ??= this.#try().finally(() => {
      this.#trying = undefined;
      if (!this.#isAskedAgain) return;
      this.#isAskedAgain = false;
      this.again();
    });
  }

  /** What was not done is left to the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#trying;
  }

  async #try(): Promise<void> {
    try {
      await this.start();
      if (this.#recovered && !this.#stopping.signal.aborted) this.#parts.onRecovered(this.#recovered);
    } catch (error) {
      this.#parts.onFault({ doing: 'recover what was put off', error });
    }
  }
}

function isOutOfRoom(error: unknown): boolean {
  return error instanceof FsError && error.code === 'NoSpace';
}

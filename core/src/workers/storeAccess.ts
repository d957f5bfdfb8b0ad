import { FsError } from '../errors.ts';
import { systemTimer, type Timer } from '../space/timer.ts';
import type { OtherEnd, StoreCalls } from './protocol.ts';

/** A store that starts again is back within a second or two; one that has much to replay, within some more. */
const AWAY_MS_MAX = 20_000;

/** The store's process as a worker reaches it: it may be away for a while, and what needs it waits. */
export class StoreAccess {
  readonly #timer: Timer;
  #store: OtherEnd<StoreCalls> | undefined;
  #back = Promise.withResolvers<void>();
  #isAbandoned = false;

  /** @param timer how long it may be away. The system's unless told */
  constructor(timer: Timer = systemTimer) {
    this.#timer = timer;
  }

  /** It is there, and so is what can be read of it. */
  connected(store: OtherEnd<StoreCalls>): void {
    this.#store = store;
    this.#back.resolve();
  }

  /** It is not: until it is back nothing may be read either. */
  away(): void {
    if (this.#store === undefined) return;
    this.#store = undefined;
    this.#back = Promise.withResolvers<void>();
  }

  /** It is away, and does not come back: nobody waits for it. */
  abandon(): void {
    this.#isAbandoned = true;
    this.#back.resolve();
  }

  get isThere(): boolean {
    return this.#store !== undefined;
  }

  /** @throws FsError Busy when it stays away, or has for too long */
  async reach(): Promise<OtherEnd<StoreCalls>> {
    return this.#store ?? (await this.#awaitBack());
  }

  async #awaitBack(): Promise<OtherEnd<StoreCalls>> {
    const late = Promise.withResolvers<void>();
    let isLate = false;
    const patience = this.#timer.after(AWAY_MS_MAX, () => {
      isLate = true;
      late.resolve();
    });
    try {
      while (this.#store === undefined) {
        if (this.#isAbandoned || isLate)
          throw new FsError('Busy', 'the process of the store is away: ask again');
        await Promise.race([this.#back.promise, late.promise]);
      }
      return this.#store;
    } finally {
      patience.cancel();
    }
  }
}

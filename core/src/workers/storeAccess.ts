import { FsError } from '../errors.ts';
import type { OtherEnd, StoreCalls } from './protocol.ts';

/** A store that starts again is back within a second or two; one that has much to replay, within some more. */
const AWAY_MS_MAX = 20_000;

/** The store's process as a worker reaches it: it may be away for a while, and what needs it waits. */
export class StoreAccess {
  #store: OtherEnd<StoreCalls> | undefined;
  #back = Promise.withResolvers<void>();
  #isAbandoned = false;

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
    const deadline = Date.now() + AWAY_MS_MAX;
    while (this.#store === undefined) {
      const left = this.#isAbandoned ? 0 : deadline - Date.now();
      if (left <= 0) throw new FsError('Busy', 'the process of the store is away: ask again');
      await within(left, this.#back.promise);
    }
    return this.#store;
  }
}

async function within(ms: number, promise: Promise<void>): Promise<void> {
  const over = Promise.withResolvers<void>();
  const timer = setTimeout(over.resolve, ms);
  await Promise.race([promise, over.promise]);
  clearTimeout(timer);
}

import type { CallRef } from '../files/types.ts';

const CALLS_MAX = 10_000;

interface Recent<T> {
  readonly call: CallRef;
  readonly outcome: T;
}

/** What came of the last calls, as long as the process lives. */
export class RecentCalls<T> {
  /**
   * By xid, in order of age: of two calls that have the same one the later is remembered. A client that counts from the
   * same number again whenever it starts may say later what it said then, and mean it.
   */
  readonly #calls = new Map<number, Recent<T>>();

  of({ client, xid, checksum }: CallRef): T | undefined {
    const recent = this.#calls.get(xid);
    return recent?.call.checksum === checksum && recent.call.client === client ? recent.outcome : undefined;
  }

  /** Of that number there is a later call. */
  forget({ xid }: CallRef): void {
    this.#calls.delete(xid);
  }

  remember(call: CallRef, outcome: T): void {
    this.#calls.delete(call.xid);
    this.#calls.set(call.xid, { call, outcome });
    if (this.#calls.size <= CALLS_MAX) return;
    const [oldest] = this.#calls.keys();
    if (oldest !== undefined) this.#calls.delete(oldest);
  }
}

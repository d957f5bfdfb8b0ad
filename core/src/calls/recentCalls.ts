import type { CallRef } from '../files/types.ts';

const CALLS_MAX = 10_000;

interface Recent<T> {
  readonly call: CallRef;
  readonly outcome: T;
}

/** What came of the last calls, as long as the process lives. */
export class RecentCalls<T> {
  /** By checksum, in order of age: of two calls that have the same one the later is remembered. */
  readonly #calls = new Map<number, Recent<T>>();

  of({ client, xid, checksum }: CallRef): T | undefined {
    const recent = this.#calls.get(checksum);
    return recent?.call.xid === xid && recent.call.client === client ? recent.outcome : undefined;
  }

  remember(call: CallRef, outcome: T): void {
    this.#calls.delete(call.checksum);
    this.#calls.set(call.checksum, { call, outcome });
    if (this.#calls.size <= CALLS_MAX) return;
    const [oldest] = this.#calls.keys();
    if (oldest !== undefined) this.#calls.delete(oldest);
  }
}

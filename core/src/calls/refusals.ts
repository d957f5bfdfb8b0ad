/**
 * Refusals of calls, for clients that ask again. A refused call changed nothing, so that forgetting this, as the end
 * of the process does, lets the call be done late but never twice.
 */

import type { FsError, FsErrorCode } from '../errors.ts';
import type { CallRef } from '../files/types.ts';

const CALLS_MAX = 10_000;
/** What the machine was not up to it may be up to the next time. */
const PASSING: ReadonlySet<FsErrorCode> = new Set(['NoSpace', 'Corrupt', 'Failed', 'Busy', 'Closed']);

const nameOf = ({ client, xid, checksum }: CallRef): string => `${client} ${xid} ${checksum}`;

export class Refusals {
  /** In order of age. */
  readonly #calls = new Map<string, FsError>();

  of(call: CallRef): FsError | undefined {
    return this.#calls.get(nameOf(call));
  }

  remember(call: CallRef, refusal: FsError): void {
    if (PASSING.has(refusal.code)) return;
    this.#calls.set(nameOf(call), refusal);
    if (this.#calls.size <= CALLS_MAX) return;
    const [oldest] = this.#calls.keys();
    if (oldest !== undefined) this.#calls.delete(oldest);
  }
}

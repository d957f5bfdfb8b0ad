/**
 * Refusals of calls, for clients that ask again. A refused call changed nothing, so that forgetting this, as the end
 * of the process does, lets the call be done late but never twice.
 */

import type { FsError, FsErrorCode } from '../errors.ts';
import type { CallRef } from '../files/types.ts';

const CALLS_MAX = 10_000;
/** What the machine was not up to it may be up to the next time. */
const PASSING: ReadonlySet<FsErrorCode> = new Set(['NoSpace', 'Corrupt', 'Failed', 'Busy', 'Closed']);

interface Refused {
  readonly call: CallRef;
  readonly refusal: FsError;
}

export class Refusals {
  /** By checksum, in order of age: of two calls that have the same one the later is remembered. */
  readonly #calls = new Map<number, Refused>();

  of({ client, xid, checksum }: CallRef): FsError | undefined {
    const refused = this.#calls.get(checksum);
    return refused?.call.xid === xid && refused.call.client === client ? refused.refusal : undefined;
  }

  remember(call: CallRef, refusal: FsError): void {
    if (PASSING.has(refusal.code)) return;
    this.#calls.delete(call.checksum);
    this.#calls.set(call.checksum, { call, refusal });
    if (this.#calls.size <= CALLS_MAX) return;
    const [oldest] = this.#calls.keys();
    if (oldest !== undefined) this.#calls.delete(oldest);
  }
}

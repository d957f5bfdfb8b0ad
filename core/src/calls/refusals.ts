/**
 * Refusals of calls, for clients that ask again. A refused call changed nothing, so that forgetting this, as the end
 * of the process does, lets the call be done late but never twice.
 */

import type { FsError, FsErrorCode } from '../errors.ts';
import type { CallRef } from '../files/types.ts';
import { RecentCalls } from './recentCalls.ts';

/** What the machine was not up to it may be up to the next time. */
const PASSING: ReadonlySet<FsErrorCode> = new Set(['NoSpace', 'Corrupt', 'Failed', 'Busy', 'Closed']);

export class Refusals {
  readonly #calls = new RecentCalls<FsError>();

  of(call: CallRef): FsError | undefined {
    return this.#calls.of(call);
  }

  forget(call: CallRef): void {
    this.#calls.forget(call);
  }

  remember(call: CallRef, refusal: FsError): void {
    if (!PASSING.has(refusal.code)) this.#calls.remember(call, refusal);
  }
}

/** Answered calls are kept for clients that ask again, not for ever. */

import type { Command } from '../commands/command.ts';
import { SPACE, spaceBounds, successor } from '../meta/keys.ts';
import { decodeCall } from '../meta/records/call.ts';

/** Clients ask again for minutes, or for as long as the server is away: a day is kind. */
const KEPT_NS = 24n * 3600n * 1_000_000_000n;
const CALLS_PER_TRANSACTION = 500;

/** Forgets calls answered more than a day ago, of some clients at a time. @returns where to go on, if anywhere */
export const forgetCalls: Command<{ readonly from?: Uint8Array }, { readonly next?: Uint8Array }> = {
  name: 'forgetCalls',
  runsWhenFull: true,
  *run(tx, { from }, context) {
    const { start, end } = spaceBounds(SPACE.call);
    const page = yield* tx.range({ start: from ?? start, end, limit: CALLS_PER_TRANSACTION });
    for (const { key, value } of page) {
      if (decodeCall(value).answered + KEPT_NS <= context.now) tx.delete(key);
    }
    const last = page.at(-1);
    return last && page.length === CALLS_PER_TRANSACTION ? { next: successor(last.key) } : {};
  },
};

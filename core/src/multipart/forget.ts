/** Answers of completed uploads are kept for clients that ask again, not for ever. */

import type { Command } from '../commands/command.ts';
import { SPACE, spaceBounds } from '../meta/keys.ts';
import { decodeCompleted } from '../meta/records/upload.ts';

/** A client that lost the answer asks again within minutes; a day is kind. */
const KEPT_NS = 24n * 3600n * 1_000_000_000n;
const ANSWERS_PER_TRANSACTION = 500;

/** Forgets answers older than a day, the oldest uploads first. @returns whether there may be more */
export const forgetAnswers: Command<Readonly<Record<string, never>>, { readonly more: boolean }> = {
  name: 'forgetAnswers',
  runsWhenFull: true,
  *run(tx, _args, context) {
    // An upload's id begins with when it began, so what is old is at the front.
    const page = yield* tx.range({ ...spaceBounds(SPACE.completed), limit: ANSWERS_PER_TRANSACTION });
    let forgotten = 0;
    for (const { key, value } of page) {
      if (decodeCompleted(value).completed + KEPT_NS > context.now) continue;
      tx.delete(key);
      forgotten += 1;
    }
    return { more: forgotten === ANSWERS_PER_TRANSACTION };
  },
};

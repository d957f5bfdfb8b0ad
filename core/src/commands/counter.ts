/** Counters: numbers that only grow, kept in the metadata. */

import type { Op, WriteTx } from '@facet/engine';
import { counterKey } from '../meta/keys.ts';
import { decodeNumber, encodeNumber } from '../meta/records/volume.ts';
import type { Command } from './command.ts';

/** Takes `count` numbers and returns the first. The first number ever is 1. */
export function* take(tx: WriteTx, counter: { readonly name: string; readonly count: number }): Op<number> {
  const key = counterKey(counter.name);
  const stored = yield* tx.get(key);
  const first = stored ? decodeNumber(stored) : 1;
  tx.put(key, encodeNumber(first + counter.count));
  return first;
}

/** Takes a block of numbers for one process to hand out without asking again. */
export const leaseNumbers: Command<{ readonly name: string; readonly count: number }, number> = {
  name: 'leaseNumbers',
  run: (tx, args) => take(tx, args),
};

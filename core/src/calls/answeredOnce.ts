/**
 * Calls that must not be done twice. That a call was answered is written in the transaction that did it: a client
 * that hears nothing and asks again gets the first answer, also when the process ended in between. No other
 * bookkeeping could tell after a crash whether the call had been done.
 */

import type { Op, WriteTx } from '@facet/engine';
import { type Command, noRoomFor, runsWhenFull } from '../commands/command.ts';
import type { CallRef } from '../files/types.ts';
import { callKey } from '../meta/keys.ts';
import { type AnsweredCall, decodeAnswerTo, encodeCall } from '../meta/records/call.ts';

export interface Answers<A, R> {
  /** What of the answer is to be kept. */
  readonly named?: (result: R) => AnsweredCall['named'];
  /**
   * It may be asked for without end, and not all of it gives room back: on a full disk none is taken for the answers of the rest.
   * What does little harm done twice is done there, and forgotten with the process; what would do more, or be told that it was
   * not done, is refused.
   */
  readonly onFullDisk?: (args: A, result: R) => 'remember' | 'forget' | 'refuse';
  /** The answer once more, with attributes as they are now. */
  readonly again: (tx: WriteTx, args: A, call: AnsweredCall) => Op<R>;
}

/** The command as it is, but for arguments that name the call they come from. */
export function answeredOnce<A extends { readonly call?: CallRef }, R>(
  command: Command<A, R>,
  answers: Answers<A, R>,
): Command<A, R> {
  return {
    name: command.name,
    // Also on a full disk, to see whether it was done before.
    runsWhenFull: (args) => args.call !== undefined || runsWhenFull(command, args),
    *run(tx, args, context) {
      const { call } = args;
      if (!call) return yield* command.run(tx, args, context);
      const key = callKey(call);
      const stored = yield* tx.get(key);
      const before = stored && decodeAnswerTo(call, stored);
      if (before) return yield* answers.again(tx, args, before);
      if (!context.mayGrow && !runsWhenFull(command, args)) throw noRoomFor(command.name);
      const result = yield* command.run(tx, args, context);
      const asked = context.mayGrow || stored ? undefined : answers.onFullDisk?.(args, result);
      if (asked === 'refuse') throw noRoomFor(command.name);
      if (asked === 'forget') return result;
      const named = answers.named?.(result);
      const { xid, checksum } = call;
      tx.put(key, encodeCall({ xid, checksum, answered: context.now, ...(named && { named }) }));
      return result;
    },
  };
}

/** A client that hears nothing and asks again: at once, and after the power came back. */

import { type CallRef, type Core, type Created, FsError } from '../../src/index.ts';
import { below, type Random } from '../random.ts';
import { Broken } from './invariants.ts';
import { isRefusal } from './refusals.ts';
import type { Replay } from './replay.ts';

/** What a call was done to may be gone by the time it is repeated. */
const GONE: ReadonlySet<string> = new Set(['Stale', 'NoSuchVolume']);

type Send = (core: Core, call: CallRef) => Promise<object>;

type Outcome = { readonly inode: number | undefined } | { readonly refusal: string };

export class Calls {
  readonly #random: Random;
  readonly #replay: Replay;
  readonly #unanswered = new Map<CallRef, Send>();
  #core: Core | undefined;
  #xid = 0;

  constructor(random: Random, replay: Replay) {
    this.#random = random;
    this.#replay = replay;
  }

  /** Has a new life of the store answer what the last one did not. What was done must not be done again. */
  async resume(core: Core): Promise<void> {
    this.#core = core;
    const unanswered = [...this.#unanswered];
    this.#unanswered.clear();
    for (const [call, send] of unanswered) {
      const done = this.#replay.isDone(call);
      const outcome = await outcomeOf(send(core, call));
      if (done && 'refusal' in outcome && !GONE.has(outcome.refusal)) {
        throw new Broken(
          'callsAreDoneOnce',
          `call ${call.xid} was done, and is refused when it is repeated: ${outcome.refusal}`,
        );
      }
    }
  }

  /** One call in three is sent twice. */
  async send(send: Send): Promise<unknown> {
    const core = this.#core;
    if (!core) throw new Error('there is no store to call');
    this.#xid += 1;
    const call = {
      client: `client ${below(this.#random, 2)}`,
      xid: this.#xid,
      checksum: below(this.#random, 2 ** 32),
    };
    this.#unanswered.set(call, send);
    const copies = below(this.#random, 3) === 0 ? 2 : 1;
    const sent = await Promise.all(Array.from({ length: copies }, () => outcomeOf(send(core, call))));
    this.#unanswered.delete(call);
    const [first, second = first] = sent;
    if (!first || !second) return;
    for (const outcome of sent) {
      if ('refusal' in outcome && outcome.refusal === 'NoSpace')
        throw new FsError('NoSpace', 'a call was refused');
    }
    if (!agree(first, second)) {
      throw new Broken(
        'callsAreDoneOnce',
        `call ${call.xid} was answered ${JSON.stringify(first)} and ${JSON.stringify(second)}`,
      );
    }
  }
}

/** What was made is compared by its inode. */
async function outcomeOf(answer: Promise<object>): Promise<Outcome> {
  try {
    const told = await answer;
    return { inode: 'made' in told ? (told as Created).file.inode : undefined };
  } catch (error) {
    if (!isRefusal(error)) throw error;
    return { refusal: error.code };
  }
}

/** Of two on their way at a time, one may find that what the other made is gone again, or be refused first. */
function agree(one: Outcome, other: Outcome): boolean {
  if ('inode' in one && 'inode' in other) return one.inode === other.inode;
  return true;
}

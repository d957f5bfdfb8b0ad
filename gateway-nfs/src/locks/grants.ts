/**
 * Tells clients that a lock they waited for is theirs.
 *
 * The lock is the client's from the moment it is free, and stays so while the client is told. What comes of it:
 *
 * - The client takes it, or asks again and so learns it: done.
 * - It does not want it any more: the lock goes to the next in line.
 * - No call-back reached it, after several tries: the same. A client that lives asks again by itself.
 * - A call-back may have reached it, but no answer came: it may believe that it holds the lock, so it does, as does
 *   any client that dies with a lock, until it asks, unlocks or restarts.
 */
import type { Logger } from '../rpc/program.ts';
import { clientKey, type LockClient } from './clients.ts';
import type { LockGrant } from './lockRequest.ts';
import type { Pause } from './pause.ts';
import type { CallPeer, PeerAnswer } from './peerCalls.ts';
import {
  type LockArgs,
  NLM_PROCEDURE,
  NLM_PROGRAM,
  NLM_VERSION,
  type NlmStat,
  readResult,
  writeGrantArgs,
} from './wire.ts';

/** What is kept of a call that waits. */
export interface LockWaiter {
  readonly client: LockClient;
  readonly asked: Pick<LockArgs, 'mode' | 'lock'>;
  /** It came as a message, and is answered by one. */
  readonly byMessage: boolean;
}

interface Pending {
  readonly grant: LockGrant<LockWaiter>;
  readonly cookie: Buffer;
  readonly settled: AbortController;
}

export interface GrantParts {
  readonly callPeer: CallPeer;
  readonly pause: Pause;
  readonly log: Logger;
  /** The grant is void: give the lock to the next. */
  readonly withdraw: (grant: LockGrant<LockWaiter>) => void;
}

/** How long after a failed try the next one is made, in milliseconds. */
const UNREACHED_PAUSES_MS: readonly number[] = [500, 1000, 2000, 4000];
const UNANSWERED_PAUSES_MS: readonly number[] = [1000, 5000, 10_000, 20_000, 30_000, 60_000];
/** How long the answer to a GRANTED_MSG may take, in milliseconds: it is a call of its own. */
const MESSAGE_ANSWER_MS = 5000;

export class Grants {
  readonly #parts: GrantParts;
  readonly #pending = new Set<Pending>();
  readonly #answers = new Map<string, (stat: NlmStat | undefined) => void>();
  #cookies = 0;

  constructor(parts: GrantParts) {
    this.#parts = parts;
  }

  deliver(grants: readonly LockGrant<LockWaiter>[]): void {
    for (const grant of grants) {
      this.#cookies += 1;
      const cookie = Buffer.alloc(8);
      cookie.writeUInt32BE(this.#cookies % 2 ** 32, 4);
      const pending: Pending = { grant, cookie, settled: new AbortController() };
      this.#pending.add(pending);
      this.#tell(pending).catch((error: unknown) => {
        this.#parts.log.error({ error }, 'a grant failed');
      });
    }
  }

  /**
   * Ends the telling of what matches, since the client knows by now, or since the lock is gone. Returns what it ended.
   */
  settle(matches: (grant: LockGrant<LockWaiter>) => boolean): readonly LockGrant<LockWaiter>[] {
    const found = this.#pending
      .values()
      .filter(({ grant }) => matches(grant))
      .toArray();
    for (const pending of found) {
      this.#pending.delete(pending);
      pending.settled.abort();
    }
    return found.map(({ grant }) => grant);
  }

  /** A GRANTED_RES came. Only the client that was told can know the cookie, and its address is looked at, too. */
  answered({ address, cookie, stat }: { address: string; cookie: Buffer; stat: NlmStat | undefined }): void {
    this.#answers.get(`${address} ${cookie.toString('hex')}`)?.(stat);
  }

  async #tell(pending: Pending): Promise<void> {
    const { grant, settled } = pending;
    let mayHaveArrived = false;
    for (let tries = 0; ; tries += 1) {
      const outcome = await this.#try(pending);
      if (settled.signal.aborted) return;
      if (outcome === 'taken' || outcome === 'refused') {
        this.#pending.delete(pending);
        // To be told again of what it took already looks like a mistake to a client: such a refusal is not believed.
        if (outcome === 'refused' && !mayHaveArrived) this.#parts.withdraw(grant);
        return;
      }
      mayHaveArrived ||= outcome === 'unanswered';
      const pauseMs = (mayHaveArrived ? UNANSWERED_PAUSES_MS : UNREACHED_PAUSES_MS)[tries];
      if (pauseMs === undefined) break;
      await this.#parts.pause(pauseMs, settled.signal);
      if (settled.signal.aborted) return;
    }
    this.#pending.delete(pending);
    this.#parts.log.warn(
      { client: clientKey(grant.waiter.client), file: grant.request.file, kept: mayHaveArrived },
      mayHaveArrived
        ? 'a client did not answer that it holds a lock: it keeps it until it asks, unlocks or restarts'
        : 'a client could not be told of a lock: the next in line gets it',
    );
    if (!mayHaveArrived) this.#parts.withdraw(grant);
  }

  async #try({ grant, cookie }: Pending): Promise<'taken' | 'refused' | PeerAnswer['kind']> {
    try {
      const { client, asked, byMessage } = grant.waiter;
      const call = { address: client.address, program: NLM_PROGRAM, version: NLM_VERSION };
      const args = writeGrantArgs(cookie, asked);
      if (byMessage) return await this.#tellByMessage({ ...call, args, cookie });
      const answer = await this.#parts.callPeer({ ...call, procedure: NLM_PROCEDURE.GRANTED, args });
      if (answer.kind !== 'answered') return answer.kind;
      return verdict(readResult(answer.results).stat);
    } catch (error) {
      // An answer that cannot be read is none.
      this.#parts.log.warn({ error }, 'a client answered a grant with nonsense');
      return 'unanswered';
    }
  }

  async #tellByMessage(
    message: Omit<Parameters<CallPeer>[0], 'procedure'> & { cookie: Buffer },
  ): Promise<'taken' | 'refused' | PeerAnswer['kind']> {
    const { cookie, ...call } = message;
    const key = `${call.address} ${cookie.toString('hex')}`;
    const noticed = new AbortController();
    const answer = new Promise<NlmStat | undefined>((resolve) => {
      this.#answers.set(key, (stat) => {
        resolve(stat);
        noticed.abort();
      });
    });
    try {
      const silence = async (): Promise<'unreached' | 'unanswered'> => {
        const sent = await this.#parts.callPeer({
          ...call,
          procedure: NLM_PROCEDURE.GRANTED_MSG,
          withoutReply: true,
        });
        if (sent.kind === 'unreached') return 'unreached';
        await this.#parts.pause(MESSAGE_ANSWER_MS, noticed.signal);
        return 'unanswered';
      };
      return await Promise.race([answer.then(verdict), silence()]);
    } finally {
      noticed.abort();
      this.#answers.delete(key);
    }
  }
}

/** A client in a grace period of its own does not know yet: it is told again. */
function verdict(stat: NlmStat | undefined): 'taken' | 'refused' | 'unanswered' {
  if (stat === 'GRANTED') return 'taken';
  return stat === 'DENIED_GRACE_PERIOD' ? 'unanswered' : 'refused';
}

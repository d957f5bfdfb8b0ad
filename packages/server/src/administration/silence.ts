/** A call may take long where the store is busy; a server that is stopped, or hangs, answers nothing at all. */

import { setTimeout as delay } from 'node:timers/promises';

/** Says what a server did not do, and why that may be, as the end of a sentence about it. */
export class ServerSilent extends Error {
  override readonly name = 'ServerSilent';
}

const STOPPED = 'it is stopped (SIGCONT lets it go on), or waits for its disk';
const SLOW = 'its disk is slow, or it is overloaded';

export interface Patience {
  /** So long a call goes on before it is asked whether the server lives, and from one such look to the next. */
  readonly lookEveryMs: number;
  /** So long one may be in coming back. */
  readonly lookMsMax: number;
  /** All of the call; as long as the server lives, unless told. */
  readonly callMsMax?: number;
}

/**
 * Does `work`, which is given up where the server at `url` falls silent.
 * @throws ServerSilent, and what `work` throws
 */
export async function unlessSilent<T>(
  url: string,
  { lookEveryMs, lookMsMax, callMsMax }: Patience,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const [givenUp, over] = [new AbortController(), new AbortController()];
  const giveUp = (whatFor: string) => givenUp.abort(new ServerSilent(whatFor));
  const live = new URL('/health/live', url);
  const watch = async (): Promise<void> => {
    while (!over.signal.aborted) {
      await delay(lookEveryMs, undefined, { signal: over.signal });
      const timeout = AbortSignal.timeout(lookMsMax);
      try {
        await (await fetch(live, { signal: AbortSignal.any([over.signal, timeout]) })).text();
      } catch {
        // Anything else than silence the call itself hears.
        if (timeout.aborted) giveUp(`has not answered for ${seconds(lookEveryMs + lookMsMax)}: ${STOPPED}`);
      }
    }
  };
  // It ends by that.
  watch().catch(() => undefined);
  const timer =
    callMsMax === undefined
      ? undefined
      : setTimeout(() => giveUp(`lives, but has not done this in ${seconds(callMsMax)}: ${SLOW}`), callMsMax);
  try {
    return await work(givenUp.signal);
  } finally {
    clearTimeout(timer);
    over.abort();
  }
}

function seconds(ms: number): string {
  return `${Math.ceil(ms / 1000)} s`;
}

/** Drives prepared requests over a number of connections and says how long each took. */

import { closedLoop, type LoopResult, type Operation } from './closedLoop.ts';
import type { Endpoint, ReadyRequest } from './request.ts';

export type DriveResult = LoopResult;

/** Any answer but 2xx throws. */
export function sending(request: ReadyRequest): Operation {
  return async (connection) => {
    const answer = await connection.send(request);
    if (answer.status < 200 || answer.status > 299) {
      throw new Error(`${request.head.toString().split('\r\n')[0]} was answered ${answer.status}`);
    }
    return answer.bodyBytes + (request.body?.length ?? 0);
  };
}

/** Every request once, each connection taking the next when its last is answered. */
export async function drive(
  endpoint: Endpoint,
  requests: readonly ReadyRequest[],
  connections: number,
): Promise<DriveResult> {
  const left = requests.values();
  const next = () => {
    const request = left.next().value;
    return request && sending(request);
  };
  const rest = stayAwake();
  try {
    return await closedLoop({ endpoint, connections, next, secondsMax: Number.POSITIVE_INFINITY });
  } finally {
    rest();
  }
}

/**
 * A client that sleeps has to be woken with each answer, at the server's cost: 20 to 25 µs a GET on a virtual
 * machine. A server so fast that its client never sleeps would not pay it, and a slower one would.
 * @returns ends it
 */
function stayAwake(): () => void {
  let timer = setImmediate(again);
  function again(): void {
    timer = setImmediate(again);
  }
  return () => clearImmediate(timer);
}

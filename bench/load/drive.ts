/** Drives prepared requests over a number of connections and says how long each took. */

import { Connection } from './connection.ts';
import type { Endpoint, ReadyRequest } from './request.ts';

export interface DriveResult {
  readonly operations: number;
  readonly seconds: number;
  readonly bytes: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** Every request once, each connection taking the next when its last is answered. Any answer but 2xx throws. */
export async function drive(
  endpoint: Endpoint,
  requests: readonly ReadyRequest[],
  connections: number,
): Promise<DriveResult> {
  const open = await Promise.all(Array.from({ length: connections }, () => Connection.open(endpoint)));
  const took = new Float64Array(requests.length);
  let next = 0;
  let bytes = 0;
  const began = performance.now();
  const rest = stayAwake();
  try {
    await Promise.all(
      open.map(async (connection) => {
        for (;;) {
          const at = next;
          next += 1;
          const request = requests[at];
          if (!request) return;
          const sent = performance.now();
          const answer = await connection.send(request);
          if (answer.status < 200 || answer.status > 299) {
            throw new Error(`${request.head.toString().split('\r\n')[0]} was answered ${answer.status}`);
          }
          took[at] = performance.now() - sent;
          bytes += answer.bodyBytes + (request.body?.length ?? 0);
        }
      }),
    );
  } finally {
    rest();
    for (const connection of open) connection.close();
  }
  const seconds = (performance.now() - began) / 1000;
  const sorted = took.sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { operations: requests.length, seconds, bytes, p50: at(0.5), p99: at(0.99) };
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

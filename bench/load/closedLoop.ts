/** Some connections, each with one operation under way at a time, and how long each operation took. */

import { Connection } from './connection.ts';
import type { Endpoint } from './request.ts';

export interface LoopResult {
  readonly operations: number;
  readonly seconds: number;
  readonly bytes: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
}

/** One request or several, one after the other. @returns bytes of bodies, both ways */
export type Operation = (connection: Connection) => Promise<number>;

export interface Loop {
  readonly endpoint: Endpoint;
  readonly connections: number;
  /** What is next, for whichever connection is free; undefined when there is no more. */
  readonly next: () => Operation | undefined;
  /** None is begun after so long; those under way are finished, and count. */
  readonly secondsMax: number;
}

/** An operation that has not ended so long after the time was up never will. */
const OVERTIME_SECONDS_MAX = 120;

export async function closedLoop({ endpoint, connections, next, secondsMax }: Loop): Promise<LoopResult> {
  const open = await Promise.all(Array.from({ length: connections }, () => Connection.open(endpoint)));
  const took: number[] = [];
  let bytes = 0;
  const began = performance.now();
  const { promise: late, reject } = Promise.withResolvers<never>();
  const patience = setTimeout(
    () => reject(new Error(`an operation was not over ${OVERTIME_SECONDS_MAX} s after the time was up`)),
    (Math.min(secondsMax, 3600) + OVERTIME_SECONDS_MAX) * 1000,
  );
  try {
    const all = open.map(async (connection) => {
      for (;;) {
        const sent = performance.now();
        const operation = sent - began < secondsMax * 1000 ? next() : undefined;
        if (operation === undefined) return;
        // Not `bytes += await`: it would add to what they were before the others'.
        const moved = await operation(connection);
        bytes += moved;
        took.push(performance.now() - sent);
      }
    });
    await Promise.race([Promise.all(all), late]);
  } finally {
    clearTimeout(patience);
    for (const connection of open) connection.close();
  }
  return loopResult(took, { seconds: (performance.now() - began) / 1000, bytes });
}

/** @param took milliseconds, each operation's */
export function loopResult(
  took: readonly number[],
  { seconds, bytes }: { readonly seconds: number; readonly bytes: number },
): LoopResult {
  const sorted = Float64Array.from(took).sort();
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
  return { operations: sorted.length, seconds, bytes, p50: at(0.5), p99: at(0.99) };
}

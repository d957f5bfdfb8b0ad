/** A machine that has hardly any time for this process: whatever looks at a real clock, or waits for one, shows. */

import { performance } from 'node:perf_hooks';
import { replace } from './plants/replace.ts';

const STALL_MS = 5;
/** What real clocks have gone on by whenever somebody looks. */
const JUMP_MS = 600_000;

/**
 * Real clocks are far ahead whenever somebody looks, real timers are overdue at once, and the event loop stands still
 * at each call of `stall`.
 */
export async function onAStarvedMachine<T>(work: (stall: () => void) => Promise<T>): Promise<T> {
  let ahead = 0;
  const jump = (): number => {
    ahead += JUMP_MS;
    return ahead;
  };
  const restores = [
    replace(Date, { now: after(Date.now, jump) }),
    replace(performance, { now: after(performance.now.bind(performance), jump) }),
    replace(process.hrtime, { bigint: () => BigInt(jump()) * 1_000_000n }),
    replace(globalThis, { setTimeout: overdue(globalThis.setTimeout) }),
    replace(globalThis, { setInterval: overdue(globalThis.setInterval) }),
  ];
  try {
    return await work(stall);
  } finally {
    for (const restore of restores) restore();
  }
}

const after = (clock: () => number, jump: () => number) => () => clock() + jump();

/** Whatever its delay. */
function overdue<T extends typeof setTimeout | typeof setInterval>(timer: T): T {
  return ((run: () => void, _delayMs?: number, ...args: []) => timer(run, 0, ...args)) as T;
}

/** Nothing of this process goes on meanwhile. */
function stall(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STALL_MS);
}

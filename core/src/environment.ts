/** The real clock and the real dice. */

import { randomBytes, randomFillSync } from 'node:crypto';
import { performance } from 'node:perf_hooks';
import type { Environment } from './commands/command.ts';
import { timestamp } from './ids.ts';

/** Nanoseconds from the wall clock, never twice the same and never backwards within a process. */
export function systemEnvironment(): Environment {
  const offset = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();
  let last = 0n;
  return {
    now() {
      const monotonic = process.hrtime.bigint() + offset;
      const wall = BigInt(Date.now()) * 1_000_000n;
      // The wall clock may be set while the process runs: the finer clock is only trusted near it.
      const drift = monotonic > wall ? monotonic - wall : wall - monotonic;
      const now = drift < 5_000_000n ? monotonic : wall;
      last = now > last ? now : last + 1n;
      return timestamp(last);
    },
    monotonicMs: () => performance.now(),
    randomBytes: pooledRandomBytes(),
  };
}

const POOL_BYTES = 8192;

/** Every command wants 16 bytes: asking the generator for them one by one is ten times the work. */
function pooledRandomBytes(): (count: number) => Buffer {
  let pool = Buffer.alloc(0);
  let used = 0;
  return (count) => {
    if (count > POOL_BYTES) return randomBytes(count);
    if (used + count > pool.length) {
      // A new pool each time: what was handed out is still in use.
      pool = randomFillSync(Buffer.allocUnsafeSlow(POOL_BYTES));
      used = 0;
    }
    used += count;
    return pool.subarray(used - count, used);
  };
}

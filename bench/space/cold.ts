/** Reads of a store of which nothing is in memory: how many a second, and how long the event loop stands still for them. */

import { execFile } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Kind, mustRead, perSecond, scattered } from './objects.ts';
import { type BenchStore, openStore } from './store.ts';

const READS_MAX = 20_000;
const NANOSECONDS_PER_MS = 1e6;

export interface ColdCosts {
  readonly readsPerSecond: number;
  /** Between two moments at which the event loop was to turn, a millisecond apart. */
  readonly p99Ms: number;
  readonly slowestMs: number;
  /** A read. */
  readonly faults: number;
}

/** @param fetches as a server does; otherwise the event loop meets each page fault by itself */
export async function measureCold(
  directory: string,
  kind: Kind,
  { fetches }: { readonly fetches: boolean },
): Promise<ColdCosts> {
  await dropFromMemory(directory);
  const store = await openStore(directory, { fetches });
  try {
    return await costsOf(store, kind);
  } finally {
    await store.close();
  }
}

async function costsOf(store: BenchStore, kind: Kind): Promise<ColdCosts> {
  const reads = Math.min(kind.count, READS_MAX);
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const before = process.resourceUsage().majorPageFault;
  delay.enable();
  const readsPerSecond = await perSecond(0, reads, async (i) => {
    await mustRead(store, kind, scattered(i, kind.count));
    // Else what is in memory is read without a turn of the event loop.
    await setImmediate();
  });
  delay.disable();
  return {
    readsPerSecond,
    p99Ms: delay.percentile(99) / NANOSECONDS_PER_MS,
    slowestMs: delay.max / NANOSECONDS_PER_MS,
    faults: (process.resourceUsage().majorPageFault - before) / reads,
  };
}

/** What the page cache has of its files, which nobody may have open: as dd of GNU asks for. */
async function dropFromMemory(directory: string): Promise<void> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  await promisify(execFile)('sync', ['-f', directory]);
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    await promisify(execFile)('dd', [`if=${join(entry.parentPath, entry.name)}`, 'iflag=nocache', 'count=0']);
  }
}

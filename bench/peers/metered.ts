/** What operations cost the server, the client and the disk, while they are done. */

import { readFile } from 'node:fs/promises';
import type { LoopResult } from '../load/closedLoop.ts';
import type { Meter } from '../load/meter.ts';
import type { Cell } from './world.ts';

/** @param meter of the server */
export async function metered(
  meter: Meter,
  work: () => Promise<LoopResult>,
): Promise<Omit<Cell, 'row' | 'connections'>> {
  meter.forgetPeak();
  const before = {
    cpu: meter.cpuSeconds,
    client: process.cpuUsage(),
    flushes: await flushes(),
  };
  const { operations, seconds, bytes, p50, p99 } = await work();
  const client = process.cpuUsage(before.client);
  return {
    operations,
    operationsPerSecond: operations / seconds,
    bytesPerSecond: bytes / seconds,
    p50,
    p99,
    cpuMicrosPerOperation: ((meter.cpuSeconds - before.cpu) * 1e6) / operations,
    peakAnonymousBytes: meter.peakAnonymousBytes,
    clientBusy: (client.user + client.system) / 1e6 / seconds,
    flushesPerOperation: ((await flushes()) - before.flushes) / operations,
  };
}

/** Flushes that all disks have been asked for since boot: the 18th figure of a line. @source iostats.rst of Linux */
async function flushes(): Promise<number> {
  const lines = (await readFile('/proc/diskstats', 'utf8')).trim().split('\n');
  return lines.reduce((sum, line) => sum + Number(line.trim().split(/\s+/)[18] ?? 0), 0);
}

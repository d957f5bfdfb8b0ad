/** One group on one server: started on an empty folder, its bucket made, measured, stopped, and gone. */

import { rmSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Connection } from '../load/connection.ts';
import type { Group } from './groups.ts';
import type { Setup } from './servers/server.ts';
import { type Pace, type Sink, World } from './world.ts';

const READY_MS_MAX = 60_000;
const RETRY_MS = 200;

export async function visit(
  { setup, group, parent }: { readonly setup: Setup; readonly group: Group; readonly parent: string },
  pace: Pace,
  sink: Sink,
): Promise<void> {
  const folder = await mkdtemp(join(parent, 'facet-bench-'));
  const clearAway = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', clearAway);
  try {
    const running = await setup.start(folder);
    const world = new World({ running, folder }, pace, sink);
    try {
      await untilItServes(world);
      await group.run(world);
    } finally {
      world.stop();
      await running.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
    process.off('exit', clearAway);
  }
}

/** A server that listens may yet have to find its disks. */
async function untilItServes(world: World): Promise<void> {
  const until = performance.now() + READY_MS_MAX;
  const plans = [
    { method: 'PUT', path: '' },
    { method: 'PUT', path: '/first', body: Buffer.from('x') },
    { method: 'DELETE', path: '/first' },
  ];
  for (const plan of plans) {
    for (;;) {
      const status = await statusOf(world, plan);
      if (status >= 200 && status <= 299) break;
      if (performance.now() > until) throw new Error(`${plan.method} ${plan.path} is answered ${status}`);
      await wait(RETRY_MS);
    }
  }
}

/** @returns 0 where there was no answer */
async function statusOf(
  world: World,
  plan: { method: string; path: string; body?: Buffer },
): Promise<number> {
  const connection = await Connection.open(world.running.endpoint);
  try {
    const { status } = await connection.send(world.ready(plan));
    return status;
  } catch {
    return 0;
  } finally {
    connection.close();
  }
}

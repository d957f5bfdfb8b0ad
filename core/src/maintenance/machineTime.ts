import { cpus } from 'node:os';
import type { LoopTime } from '../scrub/pace.ts';

/**
 * What all processors of the machine did, but for this process: by it one that serves no client paces itself. Where one
 * is idle, work beside the servers of clients costs them nothing.
 */
export function machineTime(): LoopTime {
  let [idle, active] = [0, 0];
  for (const { times } of cpus()) {
    idle += times.idle;
    active += times.user + times.nice + times.sys + times.irq;
  }
  const { user, system } = process.cpuUsage();
  return { idle, active: active - (user + system) / 1000 };
}

/** What runs in a hashing thread. Whatever goes wrong ends it, and with it the bodies it has. */
import assert from 'node:assert/strict';
import { readlinkSync } from 'node:fs';
import { setPriority } from 'node:os';
import { basename } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { BodiesInLanes } from './bodiesInLanes.ts';
import type { Answer, Order } from './messages.ts';

/** A quarter of a processor, beside who uses all of it. */
const NICENESS = 5;

assert(
  parentPort !== null && workerData instanceof WebAssembly.Memory,
  'this is the code of a hashing thread',
);
const port = parentPort;
const bodies = new BodiesInLanes(workerData, (answer: Answer) => port.postMessage(answer));

giveWay();
port.on('message', (order: Order) => bodies.take(order));

/**
 * To threads that serve, of this process and others: what they do takes no time beside this, and clients wait for it. Linux takes a
 * thread's number for a process's here; where that cannot be known, all goes on as it would.
 * @source setpriority(2), "C library/kernel differences"
 */
function giveWay(): void {
  try {
    setPriority(Number(basename(readlinkSync('/proc/thread-self'))), NICENESS);
  } catch {
    // No /proc.
  }
}

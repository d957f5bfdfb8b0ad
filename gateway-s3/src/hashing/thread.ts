/** What runs in a hashing thread. Whatever goes wrong ends it, and with it the bodies it has. */
import assert from 'node:assert/strict';
import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import { BodiesInLanes } from './bodiesInLanes.ts';
import type { Answer, Order } from './messages.ts';

/** Threads that serve go first, of this process and others: clients wait for them. A quarter of a processor, beside who uses all of it. */
const NICENESS = 5;

assert(
  parentPort !== null && workerData instanceof WebAssembly.Memory,
  'this is the code of a hashing thread',
);
const port = parentPort;
const bodies = new BodiesInLanes(workerData, (answer: Answer) => port.postMessage(answer));

// Of this thread alone, as Linux has it. @source setpriority(2), "C library/kernel differences"
if (process.platform === 'linux') setPriority(NICENESS);
port.on('message', (order: Order) => bodies.take(order));

/** What runs in a hashing thread. Whatever goes wrong ends it, and with it the bodies it has. */
import assert from 'node:assert/strict';
import { Buffer } from 'node:buffer';
import { parentPort, workerData } from 'node:worker_threads';
import { InlineDigests } from '../checksums/bodyDigests.ts';
import { type Answer, type Order, SLOT_BYTES } from './messages.ts';

assert(
  parentPort !== null && workerData instanceof SharedArrayBuffer,
  'this is the code of a hashing thread',
);
const port = parentPort;
const slots = Buffer.from(workerData);
const bodies = new Map<number, InlineDigests>();

port.on('message', (order: Order) => {
  switch (order.kind) {
    case 'open':
      bodies.set(order.body, new InlineDigests(order.algorithms));
      return;
    case 'update': {
      const from = order.slot * SLOT_BYTES;
      bodyOf(order).update(slots.subarray(from, from + order.lengthBytes));
      return answer({ kind: 'digested', slot: order.slot });
    }
    case 'end': {
      const values = [...bodyOf(order).end()];
      bodies.delete(order.body);
      return answer({ kind: 'digests', body: order.body, values });
    }
    case 'abandon':
      bodies.delete(order.body);
  }
});

function bodyOf({ body }: { readonly body: number }): InlineDigests {
  const digests = bodies.get(body);
  assert(digests !== undefined, `body ${body} is open`);
  return digests;
}

function answer(message: Answer): void {
  port.postMessage(message);
}

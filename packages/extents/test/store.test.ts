import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  type ContainerLease,
  containerId,
  type ExtentStore,
  LocalExtentStore,
  NodeDisk,
} from '../src/index.ts';

function leaseFrom(first: number): ContainerLease {
  let next = first;
  return async () => {
    const lease = { first: containerId(next), count: 3 };
    next += 3;
    return lease;
  };
}

let root: string;
let store: ExtentStore;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'facet-extents-'));
  store = new LocalExtentStore({
    disk: new NodeDisk(join(root, 'a/b')),
    lease: leaseFrom(1),
    segmentBytes: 1 << 20,
  });
});
afterEach(async () => {
  await store.close();
  await rm(root, { recursive: true });
});

function bytes(length: number, seed: number): Buffer {
  const buffer = Buffer.allocUnsafe(length);
  let x = seed | 1;
  for (let i = 0; i < length; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) | 0;
    buffer[i] = x >>> 24;
  }
  return buffer;
}

describe('a local extent store', () => {
  it('reads back slices of what was appended or streamed', async () => {
    const data = bytes(3_300_000, 7);
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(fc.integer({ min: 1, max: 70_000 }), fc.integer({ min: 1, max: 3_300_000 })),
        fc.boolean(),
        fc.array(fc.tuple(fc.nat(3_300_000), fc.nat(1 << 20)), { minLength: 1, maxLength: 5 }),
        fc.array(fc.nat(3_300_000), { maxLength: 5 }),
        async (length, dedicated, slices, cuts) => {
          const owner = { contentId: 5, fileOffset: 9 };
          const edges = [0, ...cuts.map((cut) => cut % length).sort((a, b) => a - b), length];
          const pieces = edges.slice(1).map((end, i) => data.subarray(edges[i], end));
          const writer = store.create(owner);
          if (dedicated) for (const piece of pieces) await writer.write(piece);
          const location = dedicated ? await writer.finish() : await store.append({ owner, data: pieces });
          expect(location.length).toBe(length);
          for (const [from, count] of slices) {
            const start = from % length;
            const end = Math.min(length, start + count);
            const got = await store.read({ location, start, length: end - start });
            expect(got.equals(data.subarray(start, end))).toBe(true);
          }
          const frames = [];
          for await (const frame of store.scan(location.container)) frames.push(frame);
          expect(frames.every((frame) => frame.intact)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ContainerLease, containerId, type ExtentStore, type ScannedFrame } from '../src/index.ts';

/** Ids from `first` on, three at a time, so that tests pass over the end of a lease. */
export function leaseFrom(first: number): ContainerLease {
  let next = first;
  return async () => {
    const lease = { first: containerId(next), count: 3 };
    next += lease.count;
    return lease;
  };
}

/** A generator of uniform numbers from 0 to 1 (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Bytes without repetition, different for each seed. */
export function bytesOf(length: number, seed: number): Buffer {
  const random = randomFrom(seed);
  const bytes = Buffer.alloc(Math.ceil(length / 4) * 4);
  for (let at = 0; at < length; at += 4) bytes.writeUInt32BE(Math.floor(random() * 2 ** 32), at);
  return bytes.subarray(0, length);
}

export async function inTemporaryFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'facet-extents-'));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

export function framesOf(store: ExtentStore, container: number): Promise<ScannedFrame[]> {
  return collect(store.scan(containerId(container)));
}

/** Objects of one length, whose bytes follow from their number. */

import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { BenchStore } from './store.ts';

const AT_ONCE = 64;
const PER_DIRECTORY = 1000;

export interface Kind {
  readonly name: string;
  readonly count: number;
  readonly lengthBytes: number;
}

export function keyOf({ name }: Kind, i: number): Buffer {
  return Buffer.from(`${name}/${Math.floor(i / PER_DIRECTORY)}/object-${i}`);
}

function bytesOf({ lengthBytes }: Kind, i: number): Buffer {
  return Buffer.alloc(lengthBytes, `<${i} ${createHash('md5').update(String(i)).digest('hex')}>`);
}

/** Each number has its own chance, so that who stays and who goes is at random, and the same at every run. */
export function stays(i: number, share: number): boolean {
  const mixed = Math.imul(i ^ 0x5bd1e995, 0x9e3779b1);
  return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32 < share;
}

export async function put({ core, volume }: BenchStore, kind: Kind, i: number): Promise<void> {
  const bytes = bytesOf(kind, i);
  const writer = core.objects.stage({ lengthBytes: bytes.length });
  await writer.write(bytes);
  const body = await writer.finish();
  const etag = { digest: createHash('md5').update(bytes).digest(), parts: 0 };
  await core.objects.put({ volume, key: keyOf(kind, i), body, etag, properties: {}, userMetadata: {} });
}

/** @throws Error where it is not what was put */
export async function mustRead({ core, volume }: BenchStore, kind: Kind, i: number): Promise<void> {
  const object = await core.objects.open({ volume, key: keyOf(kind, i) });
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of object.read()) chunks.push(Buffer.from(chunk));
    if (!Buffer.concat(chunks).equals(bytesOf(kind, i))) throw new Error(`${keyOf(kind, i)} has other bytes`);
  } finally {
    object.close();
  }
}

/** Numbers below one, in no order, the same at every run. */
export const scattered = (i: number, below: number): number => (Math.imul(i, 0x9e3779b1) >>> 0) % below;

export interface Speed {
  /** A second, in the first tenth of all. */
  readonly first: number;
  readonly last: number;
}

/** Does `work` for each of `count` numbers, some at once. */
export async function each(count: number, work: (i: number) => Promise<unknown>): Promise<Speed> {
  const tenth = Math.max(1, Math.floor(count / 10));
  const first = await perSecond(0, tenth, work);
  await perSecond(tenth, count - tenth, work);
  return { first, last: await perSecond(Math.max(tenth, count - tenth), count, work) };
}

/** For each number from one to below another, some at once. @returns how many a second */
export async function perSecond(
  from: number,
  to: number,
  work: (i: number) => Promise<unknown>,
): Promise<number> {
  const began = performance.now();
  let next = from;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < to) {
        const i = next;
        next += 1;
        await work(i);
      }
    }),
  );
  return ((to - from) / (performance.now() - began)) * 1000;
}

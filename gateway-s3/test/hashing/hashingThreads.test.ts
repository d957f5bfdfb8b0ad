import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import type { ComputedAlgorithm } from '../../src/checksums/algorithms.ts';
import { InlineDigests } from '../../src/checksums/bodyDigests.ts';
import { checksumOf } from '../../src/checksums/digest.ts';
import { HashingThreads } from '../../src/hashing/hashingThreads.ts';
import { SLOT_BYTES } from '../../src/hashing/messages.ts';

const MiB = 1 << 20;
const ALGORITHMS: readonly ComputedAlgorithm[] = [
  'CRC32',
  'CRC32C',
  'CRC64NVME',
  'SHA1',
  'SHA256',
  'SHA512',
  'MD5',
];
const MD5 = new Set(['MD5'] as const);

let threads: HashingThreads;
/** All that were started. */
let started: Worker[];
const count = (worker: Worker): void => void started.push(worker);

beforeEach(() => {
  threads = new HashingThreads(2);
  started = [];
  process.on('worker', count);
});
afterEach(async () => {
  process.off('worker', count);
  await threads.close();
});

async function digest(bytes: Buffer, pieceBytes: number, algorithms = ALGORITHMS) {
  const digests = threads.open({ lengthBytes: bytes.length, algorithms: new Set(algorithms) });
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    await digests.update(bytes.subarray(at, at + pieceBytes));
  }
  return await digests.end();
}

describe('the digests are those of the bytes', () => {
  test.each([0, 1, MiB - 1, MiB, MiB + 1, 2 * MiB + SLOT_BYTES - 1, 9 * MiB + 1])(
    '%i of them, in pieces of every kind',
    async (lengthBytes) => {
      const bytes = randomBytes(lengthBytes);
      for (const pieceBytes of [4099, 64 << 10, SLOT_BYTES, 3 * SLOT_BYTES + 1, 16 * MiB]) {
        const values = await digest(bytes, pieceBytes);
        expect([...values.keys()]).toEqual(ALGORITHMS);
        for (const algorithm of ALGORITHMS) {
          expect([algorithm, values.get(algorithm)]).toEqual([algorithm, checksumOf(algorithm, bytes).value]);
        }
        for (const algorithm of ['MD5', 'SHA1', 'SHA256', 'SHA512'] as const) {
          expect(values.get(algorithm)).toEqual(createHash(algorithm).update(bytes).digest());
        }
      }
      expect(started).toHaveLength(lengthBytes < MiB ? 0 : 1);
    },
  );

  test('of many bodies at once, on two threads', async () => {
    const bodies = Array.from({ length: 24 }, (_, i) => randomBytes(2 * MiB + i));
    const found = await Promise.all(bodies.map((bytes) => digest(bytes, 64 << 10, ['MD5'])));
    expect(found.map((values) => values.get('MD5'))).toEqual(
      bodies.map((bytes) => createHash('md5').update(bytes).digest()),
    );
    expect(started).toHaveLength(2);
  });
});

test('a body without digests, or a short one, has no thread', () => {
  expect(threads.open({ lengthBytes: MiB, algorithms: new Set() })).toBeInstanceOf(InlineDigests);
  expect(threads.open({ lengthBytes: MiB - 1, algorithms: MD5 })).toBeInstanceOf(InlineDigests);
  expect(threads.open({ lengthBytes: MiB, algorithms: MD5 })).not.toBeInstanceOf(InlineDigests);
});

test('a thread gives way to those that serve', async () => {
  const niceness = () =>
    readdirSync('/proc/self/task').map((task) => {
      // Behind the name, which may have any bytes, the 19th field of all.
      const stat = readFileSync(`/proc/self/task/${task}/stat`, 'latin1');
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16]);
    });
  const before = niceness();
  await digest(randomBytes(MiB), MiB, ['MD5']);
  const own = before[0] ?? 0;
  expect(niceness().filter((nice) => nice > own)).toHaveLength(
    before.filter((nice) => nice > own).length + 1,
  );
});

test('a body that is abandoned keeps nothing from others, and its thread is then the least busy', async () => {
  for (let i = 0; i < 40; i++) {
    const digests = threads.open({ lengthBytes: 8 * MiB, algorithms: MD5 });
    await digests.update(randomBytes(MiB + 1));
    digests.abandon();
  }
  expect(started).toHaveLength(1);
  const bytes = randomBytes(4 * MiB);
  const values = await digest(bytes, 64 << 10, ['MD5']);
  expect(values.get('MD5')).toEqual(createHash('md5').update(bytes).digest());
});

test('whoever is faster than the thread waits', async () => {
  const digests = threads.open({ lengthBytes: 64 * MiB, algorithms: new Set(ALGORITHMS) });
  let taken = false;
  const all = digests.update(Buffer.alloc(64 * MiB))?.then(() => {
    taken = true;
  });
  for (let i = 0; i < 100; i++) await undefined;
  expect(taken).toBe(false);
  await all;
  digests.abandon();
});

test('where no thread can be had, a body is digested all the same', async () => {
  const memory = vi.spyOn(WebAssembly, 'Memory').mockImplementation(() => {
    throw new RangeError('could not allocate memory');
  });
  onTestFinished(() => memory.mockRestore());
  const bytes = randomBytes(MiB);
  expect((await digest(bytes, MiB, ['MD5'])).get('MD5')).toEqual(createHash('md5').update(bytes).digest());
  expect(memory).toHaveBeenCalledOnce();
  expect(started).toEqual([]);
});

describe('a thread that dies', () => {
  test('fails the bodies it has, wherever they are, and the next body has another', async () => {
    const lone = new HashingThreads(1);
    const open = () => lone.open({ lengthBytes: 64 * MiB, algorithms: MD5 });
    const [waiting, ending, idle] = [open(), open(), open()];
    const failures = Promise.allSettled([waiting.update(Buffer.alloc(32 * MiB)), ending.end()]);
    await expect.poll(() => started.length).toBe(1);
    const [worker] = started;
    await worker?.terminate();
    const failed = {
      status: 'rejected',
      reason: { message: expect.stringMatching(/a hashing thread ended/) },
    };
    expect(await failures).toMatchObject([failed, failed]);
    await expect(idle.update(Buffer.alloc(MiB))).rejects.toThrow('a hashing thread ended');
    await expect(idle.end()).rejects.toThrow('a hashing thread ended');
    for (const body of [waiting, ending, idle]) body.abandon();

    const next = open();
    await next.update(Buffer.alloc(MiB));
    expect((await next.end()).get('MD5')).toEqual(createHash('md5').update(Buffer.alloc(MiB)).digest());
    expect(started).toHaveLength(2);
    await lone.close();
  });

  test('as all do at the end', async () => {
    const under = threads.open({ lengthBytes: MiB, algorithms: MD5 });
    await threads.close();
    await expect(async () => await under.end()).rejects.toThrow('a hashing thread ended');
  });
});

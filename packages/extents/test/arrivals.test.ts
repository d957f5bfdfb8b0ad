import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { Arrivals } from '../src/arrivals.ts';
import { NodeDisk } from '../src/nodeDisk.ts';

const TURN_MS = 0.05;
const READS = 1000;

describe('what was not in memory', () => {
  let clockMs: number;
  let turns: number;
  let arrivals: Arrivals;
  beforeEach(() => {
    [clockMs, turns] = [0, 0];
    arrivals = new Arrivals({
      now: () => clockMs,
      turn: async () => {
        clockMs += TURN_MS;
        turns += 1;
      },
    });
  });

  /** @returns a read whose bytes are there after so long */
  function readAfter(ms: number): () => number {
    const there = clockMs + ms;
    return () => (clockMs >= there ? 100 : 0);
  }

  /** @returns the share of reads that were tried, and of those that got something */
  async function shares(ms: number): Promise<{ tried: number; got: number }> {
    let [tried, got] = [0, 0];
    for (let at = 0; at < READS; at += 1) {
      const before = turns;
      if ((await arrivals.next(readAfter(ms))) > 0) got += 1;
      if (turns > before) tried += 1;
    }
    return { tried: tried / READS, got: got / READS };
  }

  it('is asked for once a turn of the event loop until it is there', async () => {
    expect(await arrivals.next(readAfter(4 * TURN_MS))).toBe(100);
    expect(turns).toBe(4);
  });

  it('is left when it takes long', async () => {
    expect(await arrivals.next(readAfter(1000))).toBe(0);
    expect(clockMs).toBeLessThan(2);
  });

  it('is not asked for where it hardly ever is there in time, but now and then', async () => {
    expect(await shares(0.1)).toEqual({ tried: 1, got: 1 });
    const slow = await shares(8);
    expect(slow.got).toBe(0);
    expect(slow.tried).toBeGreaterThan(0.005);
    expect(slow.tried).toBeLessThan(0.05);
    // It was found out that the device is quick again.
    await shares(0.1);
    expect(await shares(0.1)).toEqual({ tried: 1, got: 1 });
  });
});

it('a file that is not in memory is read right, over its end too, whoever reads it', async ({ skip }) => {
  const folder = await mkdtemp(join(tmpdir(), 'facet-arrivals-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const kind = execFileSync('stat', ['--file-system', '--format=%T', folder], { encoding: 'utf8' }).trim();
  if (kind === 'tmpfs') skip('a file of tmpfs is nowhere but in memory');
  const bytes = Buffer.from(Array.from({ length: 400_000 }, (_, at) => (at * 7 + (at >> 8)) % 251));
  const path = join(folder, 'file');
  await writeFile(path, bytes, { flush: true });
  const file = await new NodeDisk(folder).open('file', 'none');
  for (const [position, length] of [
    [0, 100],
    [8192 * 3 + 17, 9000],
    [100_000, 64 << 10],
    [200_000, 100_000],
    [bytes.length - 50, 200],
    [bytes.length, 10],
  ] as const) {
    // As dd of GNU asks for.
    execFileSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0'], { stdio: 'ignore' });
    const buffers = [Buffer.alloc(10), Buffer.alloc(length)];
    const count = await file.read({ position, buffers });
    const wanted = bytes.subarray(position, position + 10 + length);
    expect(count).toBe(wanted.length);
    expect(Buffer.concat(buffers).subarray(0, count).equals(wanted)).toBe(true);
  }
  await file.close();
});

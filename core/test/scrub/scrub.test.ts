import { afterEach, describe, expect, it } from 'vitest';
import { Pace } from '../../src/scrub/pace.ts';
import { scrubAndName } from '../../src/scrub/report.ts';
import type { ScrubProgress } from '../../src/scrub/scrub.ts';
import { bytesFrom } from '../random.ts';
import { ENGINES, World } from '../space/world.ts';

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

const atOnce = () => new Pace({ bytesPerSecond: Number.POSITIVE_INFINITY });

function scrubOf({ life }: World, options: Partial<Parameters<typeof scrubAndName>[0]> = {}) {
  const { commands, extents } = life;
  return scrubAndName({ commands, extents, pace: atOnce(), ...options });
}

describe.each(ENGINES)('a scrub on the %s engine', (engine) => {
  it('reads every byte that anything refers to, and finds nothing where nothing is wrong', async () => {
    world = await World.open({ engine });
    const sizes = [10, 5_000, 60_000, 400_000, 3_000_000];
    for (const size of sizes) await world.put(`k${size}`, bytesFrom(world.random, size));
    const shown: ScrubProgress[] = [];
    const report = await scrubOf(world, { onProgress: (progress) => shown.push(progress) });
    const bytes = 5_000 + 60_000 + 400_000 + 3_000_000;
    // Ten bytes lie in the metadata.
    expect(report).toEqual({
      bytes,
      extents: 4,
      damaged: [],
      damagedCount: 0,
      records: expect.any(Number),
      damagedRecords: [],
      damagedRecordCount: 0,
      complete: true,
    });
    expect(report.records).toBeGreaterThan(20);
    expect(shown.at(-1)?.bytes).toBe(bytes);
    expect(shown.at(-1)?.bytesExpected).toBeGreaterThan(bytes);
  });

  it('names what is damaged wherever it is, the ends of containers included, and goes on', async () => {
    world = await World.open({ engine });
    for (const key of ['a', 'b', 'c/d', 'e']) await world.put(key, bytesFrom(world.random, 100_000));
    await world.put('large', bytesFrom(world.random, 2_000_000));
    await world.put('gone', bytesFrom(world.random, 2_000_000));
    const containers = await world.life.extents.list();
    const [segment, large, gone] = containers.map(({ container }) => container);
    const name = '00/00000000000001.seg';
    // Data of the first extent, a header of the third, the very last header; and of the others one byte and all.
    world.disk.damage({ name, offset: 5_000, mask: 1 });
    world.disk.damage({ name, offset: 2 * 100_188 + 20, mask: 0x80 });
    world.disk.damage({ name, offset: 3 * 100_188 + 4, mask: 4 });
    world.disk.damage({ name: '00/00000000000002.ext', offset: 1_999_000, mask: 16 });
    if (gone !== undefined) await world.life.extents.unlink(gone);
    const report = await scrubOf(world);
    expect(report.damagedCount).toBe(5);
    expect(report.complete).toBe(true);
    const found = report.damaged.map(({ container, objects }) => [container, objects]);
    const object = (key: string) => [{ volume: 'bucket', key }];
    expect(found).toEqual([
      [segment, object('a')],
      [segment, object('c/d')],
      [segment, object('e')],
      [large, object('large')],
      [gone, object('gone')],
    ]);
    expect(await world.get('b')).toHaveLength(100_000);
  });

  it('takes what is deleted, overwritten and given back meanwhile for no damage', async () => {
    world = await World.open({ engine });
    const { life } = world;
    for (let at = 0; at < 60; at += 1)
      await world.put(`k${at}`, bytesFrom(world.random, 40_000 + 5_000 * at));
    let done = 0;
    const change = async (open: World): Promise<void> => {
      const at = done;
      done += 1;
      if (at >= 60) return;
      // Ahead of the scrub, behind it and where it is.
      await open.delete(`k${(at * 7) % 60}`);
      await open.put(`n${at}`, bytesFrom(open.random, 30_000));
      await life.collector.drain();
    };
    const report = await scrubOf(world, {
      extents: {
        list: () => life.extents.list(),
        status: (container) => life.extents.status(container),
        read: async (slice) => {
          if (world) await change(world);
          return life.extents.read(slice);
        },
      },
    });
    expect(done).toBeGreaterThan(20);
    expect(report).toMatchObject({ damaged: [], damagedCount: 0, complete: true });
  });

  it('ends early when told to', async () => {
    world = await World.open({ engine });
    for (let at = 0; at < 10; at += 1) await world.put(`k${at}`, bytesFrom(world.random, 50_000));
    const ending = new AbortController();
    const report = await scrubOf(world, {
      signal: ending.signal,
      onProgress: ({ bytes }) => bytes >= 150_000 && ending.abort(),
    });
    expect(report).toMatchObject({ bytes: 150_000, extents: 3, complete: false });
  });
});

describe('the pace', () => {
  /** Time that passes as a pause does, and as the loop is busy. */
  function clock() {
    const time = { idle: 0, active: 0 };
    const pace = new Pace({
      bytesPerSecond: 1_000_000,
      now: () => time.idle + time.active,
      loopTime: () => ({ ...time }),
      pause: async (ms) => {
        time.idle += ms;
      },
    });
    return { time, pace };
  }

  it('keeps to its rate, and does not make up for what it missed', async () => {
    const { time, pace } = clock();
    for (let step = 0; step < 100; step += 1) await pace.take(100_000);
    expect(time.idle).toBeGreaterThan(9_800);
    expect(time.idle).toBeLessThan(10_200);
    time.idle += 60_000;
    const from = time.idle;
    for (let step = 0; step < 20; step += 1) await pace.take(100_000);
    expect(time.idle - from).toBeGreaterThan(1_800);
  });

  it('is slow while the loop is busy', async () => {
    const { time, pace } = clock();
    const busy = async (steps: number): Promise<number> => {
      const from = time.idle + time.active;
      for (let step = 0; step < steps; step += 1) {
        time.active += 700;
        await pace.take(100_000);
      }
      return time.idle + time.active - from;
    };
    await busy(3);
    expect(await busy(20)).toBeGreaterThan(20 * 780);
    const from = time.idle;
    for (let step = 0; step < 30; step += 1) await pace.take(100_000);
    expect(time.idle - from).toBeLessThan(5_000);
  });
});

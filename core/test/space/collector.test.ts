import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { below, bytesFrom, randomFrom } from '../random.ts';
import { ENGINES, World } from './world.ts';

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

describe.each(ENGINES)('the collector on the %s engine', (engine) => {
  it('gives back a dedicated container when its object goes', async () => {
    world = await World.open({ engine });
    await world.put('big', bytesFrom(world.random, 3_000_000));
    expect(await world.life.extents.list()).toHaveLength(1);
    await world.delete('big');
    const counts = await world.life.collector.drain();
    expect(await world.life.extents.list()).toEqual([]);
    expect(counts).toMatchObject({
      expanded: 1,
      unlinkedContainers: 1,
      unlinkedBytes: counts.deadBytes,
      faults: 0,
    });
    expect(await world.life.collector.backlog()).toEqual({ free: 0, reclaim: 0 });
  });

  it('punches what is dead of a segment, and removes it once it is sealed and nothing of it is alive', async () => {
    world = await World.open({ engine, segmentBytes: 1 << 20 });
    const { collector, extents } = world.life;
    const bodies = new Map<string, Buffer>();
    for (let i = 0; i < 8; i += 1) {
      bodies.set(`k${i}`, bytesFrom(world.random, 100_000));
      await world.put(`k${i}`, bodies.get(`k${i}`) ?? Buffer.alloc(0));
    }
    const before = await world.allocatedBytes();
    for (const key of ['k2', 'k3', 'k4']) await world.delete(key);
    expect((await collector.drain()).punchedBytes).toBeGreaterThan(290_000);
    expect(await world.allocatedBytes()).toBeLessThan(before - 290_000);
    for (const key of ['k0', 'k1', 'k5', 'k6', 'k7']) {
      expect((await world.get(key))?.equals(bodies.get(key) ?? Buffer.alloc(0))).toBe(true);
    }
    // What was punched is not punched again when its neighbours die.
    for (const key of ['k0', 'k1', 'k5', 'k6', 'k7']) {
      await world.delete(key);
      await collector.drain();
    }
    const { deadBytes, punchedBytes } = collector.counts;
    expect(punchedBytes).toBeLessThanOrEqual(deadBytes);
    expect(punchedBytes).toBeGreaterThan(deadBytes - 8192);
    expect(await extents.list()).toHaveLength(1);
    // The next one does not fit: the first segment is sealed.
    for (let i = 0; i < 4; i += 1) await world.put(`next${i}`, bytesFrom(world.random, 260_000));
    const [first] = await extents.list();
    await collector.drain();
    expect((await extents.list()).map(({ container }) => container)).not.toContain(first?.container);
    expect(collector.counts.faults).toBe(0);
  });

  it('leaves to a reader what it opened, and takes it when the reader is done', async () => {
    world = await World.open({ engine });
    const { collector, objects, extents } = world.life;
    const old = bytesFrom(world.random, 1_500_000);
    await world.put('key', old);
    const reader = await objects.open(world.at('key'));
    await world.put('key', bytesFrom(world.random, 1_500_000));
    await collector.drain();
    expect(await collector.backlog()).toEqual({ free: 0, reclaim: 1 });
    expect(await extents.list()).toHaveLength(2);
    // One that came after the drop holds nothing up.
    const later = await objects.open(world.at('key'));
    const chunks: Buffer[] = [];
    for await (const chunk of reader.read()) chunks.push(chunk);
    expect(Buffer.concat(chunks).equals(old)).toBe(true);
    reader.close();
    await collector.drain();
    expect(await extents.list()).toHaveLength(1);
    later.close();
  });

  it('never takes a byte from a reader, and in the end keeps little more than what is alive', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => {
        world = await World.open({ engine, seed, segmentBytes: 1 << 20 });
        await churn(world, randomFrom(seed));
        await world.close();
      }),
      { numRuns: engine === 'memory' ? 8 : 3 },
    );
    world = undefined;
  });
});

async function churn(world: World, random: () => number): Promise<void> {
  const { objects, collector } = world.life;
  const model = new Map<string, Buffer>();
  const readers: { readonly stream: AsyncGenerator<Buffer>; readonly want: Buffer; done: number }[] = [];
  const read = async (index: number): Promise<void> => {
    const reader = readers[index];
    if (!reader) return;
    const { value, done } = await reader.stream.next();
    if (!done) {
      expect(value.equals(reader.want.subarray(reader.done, reader.done + value.length))).toBe(true);
      reader.done += value.length;
      return;
    }
    expect(reader.done).toBe(reader.want.length);
    readers.splice(index, 1);
  };
  for (let step = 0; step < 120; step += 1) {
    const key = `dir${below(random, 3)}/k${below(random, 5)}`;
    const dice = random();
    if (dice < 0.4) {
      const sizes = [below(random, 2500), below(random, 120_000), 262_145 + below(random, 1_200_000)];
      const bytes = bytesFrom(random, sizes[below(random, 3)] ?? 0);
      await world.put(key, bytes);
      model.set(key, bytes);
    } else if (dice < 0.5) {
      await world.delete(key);
      model.delete(key);
    } else if (dice < 0.6) {
      const want = model.get(key);
      if (!want) continue;
      const target = `dir${below(random, 3)}/copy${below(random, 3)}`;
      await objects.copy({ source: world.at(key), target: world.at(target) });
      model.set(target, want);
    } else if (dice < 0.75) {
      const want = model.get(key);
      if (!want) continue;
      const object = await objects.open(world.at(key));
      const stream = async function* () {
        try {
          yield* object.read();
        } finally {
          object.close();
        }
      };
      readers.push({ stream: stream(), want, done: 0 });
    } else if (dice < 0.9) {
      await read(below(random, Math.max(1, readers.length)));
    } else {
      await collector.runOnce();
    }
    if (step % 40 === 39) expect(await world.findings()).toEqual([]);
  }
  while (readers.length > 0) await read(0);
  await collector.drain();
  for (const [key, bytes] of model) expect((await world.get(key))?.equals(bytes)).toBe(true);
  for (const key of model.keys()) await world.delete(key);
  const counts = await collector.drain();
  expect(await world.findings()).toEqual([]);
  // What is left is the open segment.
  expect((await world.life.extents.list()).length).toBeLessThanOrEqual(1);
  expect(counts.faults).toBe(0);
}

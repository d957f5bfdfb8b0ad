import { containerId, type DiskOperation, FRAME_DATA_BYTES, physicalLength } from '@facet/extents';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { newContentId, storeContent } from '../../src/contents/bodies.ts';
import { SPACE, spaceBounds } from '../../src/meta/keys.ts';
import { recover } from '../../src/recovery/recover.ts';
import { buryRun } from '../../src/space/deadRuns.ts';
import { below, bytesFrom, randomFrom } from '../random.ts';
import { ENGINES, World } from '../space/world.ts';

/** Of the file system: what a punch gives back. */
const BLOCK_BYTES = 4096;

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

const leases = async (from: World) =>
  from.life.commands.read('test', (tx) => tx.range({ ...spaceBounds(SPACE.lease), limit: 1000 }));

describe.each(ENGINES)('recovery on the %s engine', (engine) => {
  it('hands what was staged and never published to the collector', async () => {
    world = await World.open({ engine });
    await world.put('kept', bytesFrom(world.random, 50_000));
    for (const lengthBytes of [60_000, 2_000_000]) {
      const writer = world.life.objects.stage({ lengthBytes });
      await writer.write(bytesFrom(world.random, lengthBytes));
      await writer.finish();
    }
    const kept = await world.get('kept');
    await world.crash();
    const { collector, extents, recovered } = world.life;
    expect(recovered).toMatchObject({ leases: 1, containers: 2, liveFrames: 1, lost: 0 });
    await collector.drain();
    const containers = await extents.list();
    expect(containers.map(({ kind }) => kind)).toEqual(['segment']);
    expect(containers[0]?.allocatedBytes).toBeLessThan(60_000);
    expect(isSame(await world.get('kept'), kept)).toBe(true);
    expect(await leases(world)).toEqual([]);
  });

  it('scans only what is leased', async () => {
    world = await World.open({ engine });
    for (let i = 0; i < 5; i += 1) await world.put(`big${i}`, bytesFrom(world.random, 300_000));
    await world.put('small', bytesFrom(world.random, 3_000));
    await world.crash();
    expect(world.life.recovered).toMatchObject({ leases: 1, containers: 6, lost: 0 });
    const opened = world.disk.count('open');
    await world.crash();
    expect(world.life.recovered).toMatchObject({ leases: 0, containers: 0 });
    expect(world.disk.count('open')).toBe(opened);
    await world.put('other', bytesFrom(world.random, 300_000));
    await world.crash();
    expect(world.life.recovered).toMatchObject({ leases: 1, containers: 1 });
    expect(await world.get('big3')).toHaveLength(300_000);
  });

  it('leaves the leases of its own instance alone', async () => {
    world = await World.open({ engine });
    await world.put('key', bytesFrom(world.random, 3_000));
    const { commands, extents, instance } = world.life;
    const recovered = await recover({
      commands,
      extents,
      isRunning: (one) => one.equals(instance),
    });
    expect(recovered).toMatchObject({ leases: 0, containers: 0 });
    expect(await leases(world)).toHaveLength(1);
  });

  it('reports referred frames that are damaged or missing, keeps their bytes, and goes on', async () => {
    world = await World.open({ engine });
    const bodies = [0, 1, 2, 3].map(() => bytesFrom(randomFrom(5), 100_000));
    for (const [i, body] of bodies.entries()) await world.put(`k${i}`, body);
    const [segment] = await world.life.extents.list();
    expect(segment?.container).toBe(containerId(1));
    const name = '00/00000000000001.seg';
    // A data byte of the second extent, and the header of the third.
    world.disk.damage({ name, offset: 100_188 + 5_000, mask: 1 });
    world.disk.damage({ name, offset: 2 * 100_188 + 20, mask: 1 });
    await world.crash();
    expect(world.life.lost).toMatchObject([
      { what: 'frame damaged', run: { offset: 100_188, length: 100_188 } },
      { what: 'bytes damaged', run: { offset: 2 * 100_188, length: 100_188 } },
    ]);
    await world.life.collector.drain();
    expect(isSame(await world.get('k0'), bodies[0])).toBe(true);
    expect(isSame(await world.get('k3'), bodies[3])).toBe(true);
    await expect(world.get('k1')).rejects.toMatchObject({ code: 'Corrupt' });
    // Nothing of them was given back: what is left may be of use yet.
    const kinds = (await world.findings()).map(({ kind }) => kind);
    expect(kinds.toSorted()).toEqual(['frameDamaged', 'frameMissing']);
  });

  it('goes on where the disk fails to give bytes, reports them, and takes none of them for dead', async () => {
    world = await World.open({ engine });
    const bodies = [0, 1, 2].map(() => bytesFrom(randomFrom(5), 100_000));
    for (const [i, body] of bodies.entries()) await world.put(`k${i}`, body);
    await world.put('large', bytesFrom(world.random, 300_000));
    const name = '00/00000000000001.seg';
    // Data of the first extent, and the header of the last one, behind which nothing is alive.
    world.disk.wearOut({ name, offset: 50_000 });
    world.disk.wearOut({ name, offset: 2 * 100_188 });
    world.disk.wearOut({ name: '00/00000000000002.ext', offset: 0 });
    await world.crash();
    const { lost, recovered } = world.life;
    expect(recovered).toMatchObject({ leases: 1, containers: 2 });
    expect(lost).toMatchObject([
      { what: 'frame damaged', run: { container: 1, offset: 0 } },
      // Its end lies in the sector that the last one begins in.
      { what: 'frame damaged', run: { container: 1, offset: 100_188 } },
      { what: 'bytes damaged', run: { container: 1, offset: 2 * 100_188 } },
      { what: 'bytes damaged', run: { container: 2, offset: 0 } },
    ]);
    await world.life.collector.drain();
    const kinds = new Set((await world.findings()).map(({ kind }) => kind));
    // What follows in the first one might be alive, too, for all that can be known.
    expect([...kinds].toSorted()).toEqual(['frameDamaged', 'frameMissing', 'unaccountedBytes']);
  });

  it('takes damage after all that is referred to for a torn end', async () => {
    world = await World.open({ engine });
    await world.put('kept', bytesFrom(world.random, 100_000));
    const writer = world.life.objects.stage({ lengthBytes: 100_000 });
    await writer.write(bytesFrom(world.random, 100_000));
    await writer.finish();
    world.disk.damage({ name: '00/00000000000001.seg', offset: 100_188 + 20, mask: 1 });
    await world.crash();
    expect(world.life.lost).toEqual([]);
    await world.life.collector.drain();
    expect(await world.findings()).toEqual([]);
  });

  it('knows what a punch left of neighbours, though the power went before the second was noted as punched', async () => {
    world = await World.open({ engine });
    const { engine: metadata, extents } = world.life;
    // The first frame of the two begins so shortly before a block that the punch takes half of its header.
    const keptBytes = 100_000 + BLOCK_BYTES - (physicalLength({ length: 100_000 }) % BLOCK_BYTES) - 100;
    const kept = bytesFrom(world.random, keptBytes);
    await world.put('kept', kept);
    for (const key of ['one', 'two', 'last']) await world.put(key, bytesFrom(world.random, 100_000));
    const length = physicalLength({ length: 100_000 });
    const one = { container: containerId(1), offset: physicalLength({ length: keptBytes }), length };
    const two = { ...one, offset: one.offset + length };
    await world.delete('one');
    await world.life.collector.drain();
    await world.delete('two');
    await metadata.write((tx) => buryRun(tx, two));
    const start = Math.ceil(one.offset / BLOCK_BYTES) * BLOCK_BYTES;
    const end = Math.floor((two.offset + length) / BLOCK_BYTES) * BLOCK_BYTES;
    await extents.punch({ ...one, offset: start, length: end - start });
    await world.crash();
    expect(world.life.lost).toEqual([]);
    await world.life.collector.drain();
    expect(isSame(await world.get('kept'), kept)).toBe(true);
    expect(await world.findings()).toEqual([]);
  });

  it('misses frames between those of their extent, and at its end', async () => {
    world = await World.open({ engine, segmentBytes: 1 << 23 });
    const { engine: metadata, extents } = world.life;
    const id = await metadata.write((tx) => newContentId({ tx }));
    const owner = { contentId: id, fileOffset: 0 };
    const location = await extents.append({ owner, data: [bytesFrom(world.random, 3 * FRAME_DATA_BYTES)] });
    await world.put('after', bytesFrom(world.random, 50_000));
    // biome-ignore lint/correctness/useYield: it only writes.
    await metadata.write(function* (tx) {
      const shape = { kind: 'single', location } as const;
      storeContent({ tx }, id, { refs: 1, lengthBytes: location.length, shape, hasParts: false });
      return undefined;
    });
    const frame = FRAME_DATA_BYTES + 188;
    for (const index of [0, 2]) {
      world.disk.damage({ name: '00/00000000000001.seg', offset: index * frame + 20, mask: 1 });
    }
    await world.crash();
    const missing = world.life.lost.filter(({ what }) => what === 'frame missing');
    expect(missing).toMatchObject([
      { content: id, run: { offset: 0, length: frame } },
      { content: id, run: { offset: 2 * frame, length: frame } },
    ]);
  });

  it('goes by lengths that a power cut after a kill does not change', async () => {
    for (let seed = 1; seed <= 16; seed += 1) {
      let full = false;
      const before = async ({ kind }: DiskOperation) => (full && kind === 'write' ? 'ENOSPC' : undefined);
      const store = await World.open({ engine, seed, disk: { before } });
      const kept = bytesFrom(store.random, 5_000);
      await store.put('kept', kept);
      // What a batch took before there was no more room is cut off, and the segment made as long again.
      full = true;
      await expect(store.put('refused', bytesFrom(store.random, 40_000))).rejects.toThrow();
      full = false;
      await store.kill();
      await store.life.collector.drain();
      await store.crash();
      await store.life.collector.drain();
      expect(isSame(await store.get('kept'), kept)).toBe(true);
      await store.close();
    }
  });

  it('keeps what was acknowledged whenever the power goes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(), async (seed) => cutOff(engine, seed)),
      { numRuns: engine === 'memory' ? 10 : 3 },
    );
  });
});

// The runner's own comparison of buffers looks at each byte as a property.
const isSame = (one: Buffer | undefined, other: Buffer | undefined): boolean =>
  one && other ? one.equals(other) : one === other;

/** Lets everything that is not held run as far as it gets. */
const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

/** Writers, a collector, and the power gone at some operation of the disk or commit; three times over. */
async function cutOff(engine: 'memory' | 'lmdb', seed: number): Promise<void> {
  const random = randomFrom(seed);
  const power = { left: Number.POSITIVE_INFINITY, out: (): void => undefined };
  const tick = async (): Promise<undefined> => {
    power.left -= 1;
    if (power.left > 0) return undefined;
    power.out();
    return new Promise(() => undefined);
  };
  const store = await World.open({
    engine,
    seed,
    segmentBytes: 512 << 10,
    memory: { beforeCommit: tick, afterCommit: tick },
    disk: { before: tick, after: tick },
  });
  const model = new Map<string, Buffer | undefined>();
  for (let life = 0; life < 3; life += 1) {
    const pending = new Map<string, Buffer | undefined>();
    let running = true;
    const client = async (name: string): Promise<void> => {
      for (let step = 0; running && step < 400; step += 1) {
        const key = `${name}${below(random, 6)}`;
        const sizes = [below(random, 3000), below(random, 150_000), 262_145 + below(random, 200_000)];
        const bytes = random() < 0.3 ? undefined : bytesFrom(random, sizes[below(random, 3)] ?? 0);
        pending.set(key, bytes);
        if (bytes) await store.put(key, bytes);
        else await store.delete(key);
        if (!running) return;
        pending.delete(key);
        model.set(key, bytes);
      }
    };
    const { collector } = store.life;
    const collect = async (): Promise<void> => {
      while (running) if (!(await collector.runOnce())) await turn();
    };
    const ended = new Promise<void>((resolve) => {
      power.out = resolve;
    });
    power.left = 20 + below(random, 500);
    const all = [client('a'), client('b')];
    const collecting = collect();
    for (const one of [...all, collecting]) one.catch(() => undefined);
    await Promise.race([ended, Promise.all(all)]);
    running = false;
    power.left = 0;
    for (let i = 0; i < 5; i += 1) await turn();
    const state = engine === 'memory' ? store.snapshot() : undefined;
    power.left = Number.POSITIVE_INFINITY;
    await store.crash(state);
    expect(store.life.lost).toEqual([]);
    expect(await store.findings()).toEqual([]);
    for (const [key, bytes] of model) {
      const got = await store.get(key);
      const allowed = pending.has(key) ? [bytes, pending.get(key)] : [bytes];
      expect(allowed.some((want) => isSame(want, got))).toBe(true);
    }
    for (const key of new Set([...model.keys(), ...pending.keys()])) model.set(key, await store.get(key));
    await store.life.collector.drain();
    for (const [key, bytes] of model) expect(isSame(await store.get(key), bytes)).toBe(true);
    expect(await store.findings()).toEqual([]);
  }
  for (const key of model.keys()) await store.delete(key);
  await store.life.collector.drain();
  expect(store.life.faults).toEqual([]);
  // The segments that are open.
  expect((await store.life.extents.list()).length).toBeLessThanOrEqual(2);
  await store.close();
}

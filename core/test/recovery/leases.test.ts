import { afterEach, describe, expect, it } from 'vitest';
import { firstOfLeaseKey, SPACE, spaceBounds } from '../../src/meta/keys.ts';
import { decodeNumber } from '../../src/meta/records/volume.ts';
import { bytesFrom } from '../random.ts';
import { ENGINES, World } from '../space/world.ts';

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

/** Leased ids, as the records have them. */
async function leased(of: World): Promise<readonly number[]> {
  const entries = await of.life.engine.read((tx) => tx.range({ ...spaceBounds(SPACE.lease), limit: 1000 }));
  return entries.flatMap(({ key, value }) =>
    Array.from({ length: decodeNumber(value) }, (_, index) => firstOfLeaseKey(key) + index),
  );
}

const from = (first: number, last: number): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

describe.each(ENGINES)('leases on the %s engine', (engine) => {
  const big = (of: World) => bytesFrom(of.random, 300_000);

  it('are left by containers that are written and published, and by no others', async () => {
    world = await World.open({ engine, segmentBytes: 1 << 20 });
    const { collector, objects } = world.life;
    await world.put('big', big(world));
    const staged = objects.stage({ lengthBytes: 300_000 });
    await staged.write(big(world));
    const body = await staged.finish();
    const writing = objects.stage({ lengthBytes: 300_000 });
    await writing.write(big(world));
    await writing.write(big(world));
    await world.put('packed', bytesFrom(world.random, 200_000));
    await collector.drain();
    // 1 is published; 2 is staged, 3 being written, 4 the open segment, and the rest may yet be handed out.
    expect(await leased(world)).toEqual(from(2, 64));
    await objects.discard(body);
    await writing.abort();
    for (let i = 0; i < 5; i += 1) await world.put(`fills${i}`, bytesFrom(world.random, 200_000));
    await collector.drain();
    // 3 was never made: nobody can tell while ids of its lease are still handed out.
    expect(await leased(world)).toEqual([3, ...from(5, 64)]);
    for (let i = 0; i < 61; i += 1) await world.put('again', big(world));
    await collector.drain();
    expect(await leased(world)).toEqual([5, ...from(67, 128)]);
    expect(await world.findings()).toEqual([]);
  });

  it('are kept of an open segment until it is sealed', async () => {
    world = await World.open({ engine, segmentBytes: 1 << 20 });
    for (let i = 0; i < 4; i += 1) await world.put(`key${i}`, bytesFrom(world.random, 250_000));
    await world.life.collector.drain();
    expect(await leased(world)).toEqual(from(1, 64));
    // This one does not fit in any more.
    await world.put('next', bytesFrom(world.random, 250_000));
    await world.life.collector.drain();
    expect(await leased(world)).toEqual(from(2, 64));
  });

  it('keep recovery short, however much was written', async () => {
    world = await World.open({ engine, segmentBytes: 1 << 20 });
    for (let i = 0; i < 30; i += 1) await world.put(`big${i % 20}`, big(world));
    for (let i = 0; i < 30; i += 1) await world.put(`packed${i}`, bytesFrom(world.random, 200_000));
    await world.life.collector.drain();
    const writer = world.life.objects.stage({ lengthBytes: 200_000 });
    await writer.write(bytesFrom(world.random, 200_000));
    await writer.finish();
    await world.crash();
    // Of 37 containers: the open segment, and the one that was sealed last.
    expect(world.life.recovered.containers).toBe(2);
    await world.life.collector.drain();
    expect(await world.findings()).toEqual([]);
    expect(await leased(world)).toEqual([]);
  });

  it('are kept of a segment that is longer than what was stored in it', async () => {
    let refuses = false;
    world = await World.open({
      engine,
      segmentBytes: 1 << 20,
      // An error ends the segment; that its length cannot be cut either leaves bytes that nobody knows of.
      disk: {
        before: async ({ kind, name }) =>
          refuses && name.endsWith('01.seg') && (kind === 'write' || kind === 'truncate') ? 'EIO' : undefined,
      },
    });
    await world.put('before', bytesFrom(world.random, 50_000));
    refuses = true;
    await world.put('after', bytesFrom(world.random, 50_000));
    refuses = false;
    await world.life.collector.drain();
    expect(await leased(world)).toContain(1);
    await world.crash();
    expect(world.life.recovered.containers).toBe(2);
    expect(world.life.lost).toEqual([]);
    await world.life.collector.drain();
    expect(await world.findings()).toEqual([]);
  });
});

/** A store that is closed leaves nothing to recover, and one cut off while it is closed loses nothing. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openLmdbEngine } from '@facet/engine';
import { containerId, LocalExtentStore, NodeDisk } from '@facet/extents';
import { expect, it, onTestFinished } from 'vitest';
import { type Core, openCore, systemEnvironment } from '../../src/index.ts';
import { SPACE, spaceBounds } from '../../src/meta/keys.ts';
import { bytesFrom, randomFrom } from '../random.ts';
import { CutOff } from '../space/cutOff.ts';
import { type Life, World } from '../space/world.ts';

const leases = { ...spaceBounds(SPACE.lease), limit: 1000 };

/** What `Core.close` does before it closes the engine. */
async function close({ collector, extents, leases: held }: Life): Promise<void> {
  await collector.stop();
  await extents.close();
  await held.end(extents);
}

it('leaves no lease, and the next start looks at nothing', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'facet-close-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const faults: unknown[] = [];
  const engineOf = () => openLmdbEngine({ path: join(folder, 'meta'), mapSizeBytes: 1 << 28 });
  const open = async (): Promise<Core> =>
    openCore({
      engine: await engineOf(),
      openExtents: async (lease) =>
        new LocalExtentStore({ disk: new NodeDisk(join(folder, 'extents')), lease }),
      environment: systemEnvironment(),
      onFault: (fault) => faults.push(fault),
    });

  const first = await open();
  await first.accounts.create({ name: 'tester' });
  const volume = await first.volumes.create({ name: 'bucket', owner: 'tester' });
  const bodies = [5_000, 50_000, 300_000, 2_000_000].map((length) => bytesFrom(randomFrom(7), length));
  for (const [index, bytes] of bodies.entries()) {
    const writer = first.objects.stage({ lengthBytes: bytes.length });
    await writer.write(bytes);
    const at = { volume: volume.id, key: Buffer.from(`key${index}`) };
    const etag = { digest: Buffer.alloc(16), parts: 0 };
    const body = await writer.finish();
    await first.objects.put({ ...at, body, etag, properties: {}, userMetadata: {} });
  }
  await first.close();

  const engine = await engineOf();
  expect(await engine.read((tx) => tx.range(leases))).toEqual([]);
  await engine.close();
  const second = await open();
  expect(second.recovered).toMatchObject({ leases: 0, containers: 0 });
  await second.close();
  expect(faults).toEqual([]);
});

it('keeps leased what the metadata does not know of, and what may come to a container yet', async () => {
  const world = await World.open({ seed: 4 });
  onTestFinished(() => world.close());
  const { objects } = world.life;
  await world.put('known', bytesFrom(world.random, 300_000));
  const staged = objects.stage({ lengthBytes: 300_000 });
  await staged.write(bytesFrom(world.random, 300_000));
  await staged.finish();
  // Its container is made only when so much is there that it is no small one.
  const slow = objects.stage({ lengthBytes: 300_000 });
  await slow.write(bytesFrom(world.random, 10));
  await close(world.life);
  await slow.write(bytesFrom(world.random, 299_990));
  await slow.finish();
  expect(await world.life.extents.status(containerId(3))).toBeDefined();

  await world.crash();
  expect(world.life.recovered).toMatchObject({ leases: 1, containers: 2, lost: 0 });
  await world.life.collector.drain();
  expect(await world.findings()).toEqual([]);
  expect((await world.life.extents.list()).map(({ container }) => container)).toEqual([1]);
});

it('cut off at any step of it, loses nothing and leaves nothing behind', async () => {
  let closed = false;
  let step = 0;
  for (; !closed; step += 1) {
    const cutOff = new CutOff();
    const world = await World.open({ seed: step, ...cutOff.hooks });
    const bodies = [2_500, 60_000, 300_000, 300_000].map((length) => bytesFrom(world.random, length));
    for (const [index, bytes] of bodies.entries()) await world.put(`key${index}`, bytes);
    // A container id that was handed out, and whose container is gone.
    await world.delete('key3');

    closed = await cutOff.endsWithin(step, () => close(world.life));
    await world.crash();
    expect(world.life.lost).toEqual([]);
    if (closed) expect(world.life.recovered).toMatchObject({ leases: 0 });
    await world.life.collector.drain();
    expect(await world.findings()).toEqual([]);
    for (const index of [0, 1, 2]) {
      expect([step, index, bodies[index]?.equals((await world.get(`key${index}`)) ?? Buffer.of())]).toEqual([
        step,
        index,
        true,
      ]);
    }
    await world.close();
  }
  // Truncating, syncing, looking at what is there, committing: they all were among them.
  expect(step).toBeGreaterThan(6);
});

import type { ContainerId, ContainerInfo } from '@facet/extents';
import { afterEach, describe, expect, it } from 'vitest';
import { FsError } from '../../src/errors.ts';
import { lookForLost } from '../../src/recovery/lookForLost.ts';
import { bytesFrom } from '../random.ts';
import { ENGINES, type EngineKind, World } from '../space/world.ts';

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

/** Segments of about sixty objects each, a few objects with a container of their own, and a file written piece by piece. */
async function fill(engine: EngineKind): Promise<World> {
  const filled = await World.open({ engine, segmentBytes: 256 << 10 });
  for (let index = 0; index < 500; index += 1) {
    await filled.put(`small ${index}`, bytesFrom(filled.random, 4000));
    if (index % 100 === 50) await filled.put(`large ${index}`, bytesFrom(filled.random, 400_000));
  }
  const { files } = filled.life;
  const root = await files.root({ volume: filled.volume });
  const caller = { uid: 0, gid: 0, groups: [] };
  const how = { kind: 'guarded', attributes: {} } as const;
  const { file } = await files.create({ caller, parent: root, name: Buffer.from('pieces'), how });
  for (let index = 0; index < 150; index += 1) {
    await files.write({ caller, file, offset: index * 8192, data: [bytesFrom(filled.random, 4096)] });
  }
  return filled;
}

type Tampering = (info: ContainerInfo) => ContainerInfo | undefined;

/** What is found where the containers are as `tamper` has them. */
function look({ life }: World, tamper: Tampering = (info) => info, looksMax = 10_000) {
  const status = async (container: ContainerId): Promise<ContainerInfo | undefined> => {
    const info = await life.extents.status(container);
    return info && tamper(info);
  };
  return lookForLost({ commands: life.commands, extents: { status }, looksMax });
}

describe.each(ENGINES)('a look for lost containers on %s', (engine) => {
  it('meets every one of them, and misses none', async () => {
    world = await fill(engine);
    const containers = await world.life.extents.list();
    expect(containers.length).toBeGreaterThan(15);
    expect(await look(world)).toEqual({ looks: 655, containers: containers.length, lost: [] });
  });

  it('tells of each that is missing or was cut short', async () => {
    world = await fill(engine);
    for (const { container, kind } of await world.life.extents.list()) {
      const gone = await look(world, (info) => (info.container === container ? undefined : info));
      expect(gone.lost).toEqual([{ container, what: 'missing' }]);
      // An object from the end; a segment is filled up with zeros for as long as it is written to.
      if (kind === 'segment' && world.life.extents.isActive(container)) continue;
      const cut = await look(world, (info) =>
        info.container === container ? { ...info, sizeBytes: info.sizeBytes - 4096 } : info,
      );
      expect(cut.lost).toEqual([{ container, what: 'cut short' }]);
    }
  });

  it('says nothing of what is deleted while it looks', async () => {
    world = await fill(engine);
    const { objects, extents, collector } = world.life;
    let deleted = false;
    const place = world.at('large 250');
    const found = await lookForLost({
      commands: world.life.commands,
      extents: {
        status: async (container) => {
          if (!deleted) {
            deleted = true;
            await objects.delete(place);
            await collector.drain();
          }
          const info = await extents.status(container);
          return info?.kind === 'dedicated' ? undefined : info;
        },
      },
    });
    expect(found.lost).toHaveLength(4);
  });
});

describe('within its bound', () => {
  it('meets every segment with a few looks each, and some of what is large', async () => {
    world = await fill('memory');
    const segments = (await world.life.extents.list()).filter(({ kind }) => kind === 'segment');
    expect(segments.length).toBeGreaterThan(10);
    const { looks, lost } = await look(world, () => undefined, 100);
    expect(looks).toBeLessThanOrEqual(200);
    const found = new Set(lost.map(({ container }) => container));
    expect(segments.filter(({ container }) => !found.has(container))).toEqual([]);
  });

  it('still sees that much is gone where it sees little', async () => {
    world = await fill('memory');
    const { looks, lost } = await look(world, () => undefined, 12);
    expect(looks).toBeLessThanOrEqual(24);
    expect(lost.length).toBeGreaterThan(5);
  });
});

it('of an empty store is over at once, and passes on what the disk says', async () => {
  world = await World.open();
  expect(await look(world)).toEqual({ looks: 0, containers: 0, lost: [] });
  await world.put('key', bytesFrom(world.random, 5000));
  const { commands } = world.life;
  const failing = lookForLost({
    commands,
    extents: { status: () => Promise.reject(new FsError('Failed', 'no')) },
  });
  await expect(failing).rejects.toMatchObject({ code: 'Failed' });
});

import { containerId, type DiskOperation } from '@facet/extents';
import { afterEach, describe, expect, it } from 'vitest';
import { blocksToPunch } from '../../src/space/giveBack.ts';
import { bytesFrom } from '../random.ts';
import { World } from './world.ts';

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

const run = (start: number, end: number) => ({
  container: containerId(1),
  offset: start,
  length: end - start,
});

describe('giving back', () => {
  it('punches whole blocks, and those at the ends that were dead in part before', () => {
    const punched = (from: readonly [number, number], within: readonly [number, number]) => {
      const { offset, length } = blocksToPunch({ run: run(...from), stretch: run(...within) });
      return [offset, offset + length];
    };
    expect(punched([100, 70_000], [100, 70_000])).toEqual([4096, 69_632]);
    expect(punched([70_000, 140_000], [100, 140_000])).toEqual([69_632, 139_264]);
    expect(punched([70_000, 140_000], [100, 200_000])).toEqual([69_632, 143_360]);
    expect(punched([8192, 73_728], [0, 100_000])).toEqual([8192, 73_728]);
    expect(punched([100, 200], [100, 200])).toEqual([4096, 4096]);
  });

  async function crowded(before: (operation: DiskOperation) => Promise<'EIO' | undefined>): Promise<World> {
    const made = await World.open({ disk: { before } });
    for (let i = 0; i < 6; i += 1) await made.put(`k${i}`, bytesFrom(made.random, 100_000));
    return made;
  }

  it('is made good when the power went between commit and punch', async () => {
    let cut = false;
    let stuck: () => void = () => undefined;
    const reached = new Promise<void>((resolve) => {
      stuck = resolve;
    });
    world = await crowded(async ({ kind }) => {
      if (!cut || kind !== 'punch') return undefined;
      stuck();
      return new Promise(() => undefined);
    });
    const before = await world.allocatedBytes();
    for (const key of ['k1', 'k2', 'k3']) await world.delete(key);
    cut = true;
    world.life.collector.drain();
    await reached;
    cut = false;
    await world.crash();
    await world.life.collector.drain();
    expect(world.life.collector.counts.punchedBytes).toBeGreaterThan(290_000);
    expect(await world.allocatedBytes()).toBeLessThan(before - 290_000);
    expect(await world.findings()).toEqual([]);
  });

  it('goes on when the disk refuses, and says so', async () => {
    let refused = 0;
    world = await crowded(async ({ kind }) => {
      if (kind !== 'punch') return undefined;
      refused += 1;
      return 'EIO';
    });
    await world.put('big', bytesFrom(world.random, 400_000));
    for (const key of ['k1', 'k2', 'big']) await world.delete(key);
    const counts = await world.life.collector.drain();
    expect(counts).toMatchObject({ faults: refused, punchedBytes: 0, unlinkedContainers: 1 });
    expect(refused).toBe(1);
    expect(await world.life.collector.backlog()).toEqual({ free: 0, reclaim: 0 });
    expect(await world.findings()).toEqual([]);
  });

  it('is for good: a power cut brings no container back', async () => {
    for (let seed = 0; seed < 10; seed += 1) {
      world = await World.open({ seed });
      await world.put('big', bytesFrom(world.random, 300_000));
      await world.delete('big');
      await world.life.collector.drain();
      await world.crash();
      expect(await world.life.extents.list()).toEqual([]);
      await world.close();
      world = undefined;
    }
  });

  it('takes a container at the next start that the last run could not remove', async () => {
    let refuses = true;
    world = await crowded(async ({ kind }) => (kind === 'unlink' && refuses ? 'EIO' : undefined));
    await world.put('big', bytesFrom(world.random, 400_000));
    await world.delete('big');
    expect((await world.life.collector.drain()).faults).toBeGreaterThan(0);
    expect(await world.life.extents.list()).toHaveLength(2);
    refuses = false;
    await world.crash();
    await world.life.collector.drain();
    expect(await world.life.extents.list()).toHaveLength(1);
  });
});

import type { ExtentStore } from '@facet/extents';
import { afterEach, describe, expect, it } from 'vitest';
import { SPACE, spaceBounds } from '../../src/meta/keys.ts';
import { ManualTimer } from '../manualTimer.ts';
import { bytesFrom } from '../random.ts';
import {
  AT_ONCE,
  BLOCK_BYTES,
  compactorOf,
  cutOffAnywhere,
  mustHold,
  writeBlocks,
  writeFile,
} from './compacting.ts';
import { ENGINES, World } from './world.ts';

const MEBIBYTE = 1 << 20;

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

async function mapEntries(made: World): Promise<number> {
  const all = { ...spaceBounds(SPACE.contentMap), limit: 100_000 };
  return (await made.life.engine.read((tx) => tx.range(all))).length;
}

const mustBe = (made: World, kept: Readonly<Record<string, Buffer>>): Promise<void> =>
  mustHold(made, new Map(Object.entries(kept)));

describe.each(ENGINES)('files in many pieces on the %s engine', (engine) => {
  it('are merged by the mebibyte, also those that others refer to', async () => {
    world = await World.open({ engine });
    const bytes = bytesFrom(world.random, 2 * MEBIBYTE + 50_000);
    await writeBlocks(world, 'file', bytes);
    await world.life.objects.copy({ source: world.at('file'), target: world.at('copy') });
    expect(await mapEntries(world)).toBe(Math.ceil(bytes.length / BLOCK_BYTES));
    const compactor = compactorOf(world);
    await compactor.run({ pace: AT_ONCE });
    expect(await mapEntries(world)).toBe(3);
    expect(compactor.counts.mergedPieces).toBe(Math.ceil(bytes.length / BLOCK_BYTES) - 3);
    await world.life.collector.drain();
    await mustBe(world, { file: bytes, copy: bytes });
    // It is as good as any other: written to, cut, and there after a crash.
    await writeFile(world, 'file', 100_000, bytes.subarray(0, 10_000));
    const changed = Buffer.from(bytes);
    changed.set(bytes.subarray(0, 10_000), 100_000);
    await world.crash();
    expect(world.life.lost).toEqual([]);
    await world.life.collector.drain();
    await mustBe(world, { file: changed, copy: bytes });
  });

  it('give back the long extents that were written over for the most part', async () => {
    world = await World.open({ engine });
    const bytes = bytesFrom(world.random, MEBIBYTE);
    await writeFile(world, 'file', 0, bytes);
    // All but every tenth block: the one long frame stays as long as one of them is there.
    for (let offset = 0; offset < MEBIBYTE; offset += BLOCK_BYTES) {
      if ((offset / BLOCK_BYTES) % 10 === 0) continue;
      const fresh = bytesFrom(world.random, BLOCK_BYTES);
      bytes.set(fresh, offset);
      await writeFile(world, 'file', offset, fresh);
    }
    await world.life.collector.drain();
    const before = await world.allocatedBytes();
    const compactor = compactorOf(world);
    await compactor.run({ pace: AT_ONCE });
    await world.life.collector.drain();
    expect(await mapEntries(world)).toBe(1);
    expect(before).toBeGreaterThan(1.8 * MEBIBYTE);
    expect(await world.allocatedBytes()).toBeLessThan(1.1 * MEBIBYTE);
    await mustBe(world, { file: bytes });
  });

  it('stay as they are where they change meanwhile', async () => {
    world = await World.open({ engine });
    const made = world;
    const bytes = bytesFrom(world.random, 100 * BLOCK_BYTES);
    await writeBlocks(world, 'written', bytes);
    await writeBlocks(world, 'removed', bytes);
    const { extents } = world.life;
    let isFirst = true;
    const append: ExtentStore['append'] = async (extent) => {
      if (isFirst) {
        isFirst = false;
        await writeFile(made, 'written', 70_000, bytes.subarray(0, 100));
        await made.delete('removed');
      }
      return extents.append(extent);
    };
    const compactor = compactorOf(world, { extents: { ...extents, append } });
    await compactor.run({ pace: AT_ONCE });
    expect(compactor.counts).toMatchObject({ mergedPieces: 0, outdated: 2 });
    bytes.set(bytes.subarray(0, 100), 70_000);
    await world.life.collector.drain();
    await mustBe(world, { written: bytes });
    expect(await world.get('removed')).toBeUndefined();
  });

  it('are let be where they are few, have holes between them, or are parts of an upload', async () => {
    world = await World.open({ engine });
    const few = bytesFrom(world.random, 7 * BLOCK_BYTES);
    await writeBlocks(world, 'few', few);
    const sparse = Buffer.alloc(40 * BLOCK_BYTES);
    for (let offset = 0; offset < sparse.length; offset += 2 * BLOCK_BYTES) {
      const block = bytesFrom(world.random, BLOCK_BYTES);
      sparse.set(block, offset);
      await writeFile(world, 'sparse', offset, block);
    }
    const entries = await mapEntries(world);
    await compactorOf(world).run({ pace: AT_ONCE });
    expect(await mapEntries(world)).toBe(entries);
    await mustBe(world, { few, sparse: sparse.subarray(0, 39 * BLOCK_BYTES) });
  });
});

describe('files in many pieces', () => {
  it('are merged in the background when nobody has written them for a while', async () => {
    world = await World.open();
    const bytes = bytesFrom(world.random, 50 * BLOCK_BYTES);
    for (const key of ['quiet', 'busy']) await writeBlocks(world, key, bytes);
    const timer = new ManualTimer();
    const compactor = compactorOf(world, { timer });
    compactor.start();
    const looks = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i += 1) {
        await timer.isAwaited();
        timer.fire();
      }
      await timer.isAwaited();
    };
    await looks(6);
    expect(compactor.counts.mergedPieces).toBe(0);
    await writeFile(world, 'busy', 8192, bytes.subarray(0, BLOCK_BYTES));
    await looks(6);
    expect(compactor.counts).toMatchObject({ mergedPieces: 49, faults: 0 });
    await looks(6);
    expect(compactor.counts.mergedPieces).toBe(98);
    await compactor.stop();
    await mustBe(world, { quiet: bytes });
  });

  it('are whole whatever cuts the merge off', async () => {
    await cutOffAnywhere({
      seeds: 8,
      stepsMax: 30,
      fill: async (made) => {
        const bytes = bytesFrom(made.random, 3 * MEBIBYTE);
        await writeBlocks(made, 'file', bytes);
        return new Map([['file', bytes]]);
      },
    });
  });
});

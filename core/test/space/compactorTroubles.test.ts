/** The compactor where something stands in its way: changes, a full disk, damage, and the end of a process. */

import { containerId, type ExtentStore } from '@facet/extents';
import { afterEach, describe, expect, it } from 'vitest';
import { FsError } from '../../src/errors.ts';
import type { CompactorParts } from '../../src/space/compactor.ts';
import { AT_ONCE, compactorOf, cutOffAnywhere, mustHold, thinned } from './compacting.ts';
import { World } from './world.ts';

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

describe('the compactor', () => {
  it('takes for no damage what was given back before it was read', async () => {
    world = await World.open();
    const made = world;
    const kept = await thinned(world);
    const [removed = ''] = kept.keys();
    const { extents, collector } = world.life;
    let isFirst = true;
    const read: ExtentStore['read'] = async (slice) => {
      if (isFirst && slice.length === kept.get(removed)?.length) {
        isFirst = false;
        await made.delete(removed);
        for (let i = 0; i < 8; i += 1) await made.delete(`k${3 * (i + 1)}`);
        await collector.drain();
      }
      return extents.read(slice);
    };
    const compactor = compactorOf(world, { extents: { ...extents, read } });
    await compactor.run({ pace: AT_ONCE });
    expect(isFirst).toBe(false);
    expect(compactor.counts.damaged).toBe(0);
    expect(compactor.counts.outdated).toBeGreaterThan(0);
    for (let i = 0; i < 9; i += 1) kept.delete(`k${3 * i}`);
    await collector.drain();
    await mustHold(world, kept);
  });

  it('takes no room where there is too little', async () => {
    world = await World.open();
    const kept = await thinned(world);
    const compactor = compactorOf(world, { hasRoom: async () => false });
    await expect(compactor.run({ pace: AT_ONCE })).rejects.toMatchObject({ code: 'NoSpace' });
    expect(compactor.counts).toMatchObject({ movedBytes: 0, segments: 0, faults: 0 });
    await mustHold(world, kept);
  });

  it('gives its copies up where the disk fills up on the way', async () => {
    let full = false;
    world = await World.open({ memory: { injectFull: () => full } });
    const kept = await thinned(world);
    const { extents } = world.life;
    const append: ExtentStore['append'] = async (extent) => {
      const location = await extents.append(extent);
      full = true;
      return location;
    };
    const compactor = compactorOf(world, { extents: { ...extents, append } });
    const discarded = compactor.run({ pace: AT_ONCE });
    await expect(discarded).rejects.toMatchObject({ code: 'NoSpace' });
    full = false;
    await world.crash();
    await world.life.collector.drain();
    await mustHold(world, kept);
  });

  it('leaves its copies to recovery where nobody knows whether they are referred to', async () => {
    world = await World.open();
    const kept = await thinned(world);
    const { commands } = world.life;
    const lossy: CompactorParts['commands'] = {
      read: (doing, op) => commands.read(doing, op),
      run: async (command, args) => {
        const result = await commands.run(command, args);
        if (command.name === 'repointExtents') throw new FsError('Interrupted', 'the other process ended');
        return result;
      },
    };
    const unheard = compactorOf(world, { commands: lossy }).run({ pace: AT_ONCE });
    await expect(unheard).rejects.toMatchObject({ code: 'Interrupted' });
    await world.life.collector.drain();
    await mustHold(world, kept);
  });

  it('leaves what is damaged where it is, moves the rest, and does not try for ever', async () => {
    world = await World.open();
    const kept = await thinned(world);
    const compactor = compactorOf(world);
    const [damaged = ''] = kept.keys();
    world.disk.damage({ name: '00/00000000000001.seg', offset: (await firstLive(world)) + 100, mask: 1 });
    await compactor.run({ pace: AT_ONCE });
    expect(compactor.counts.damaged).toBe(1);
    // More of it is dead by then, and the segment that was being written is sealed.
    for (const _again of [1, 2]) {
      await world.life.collector.drain();
      await compactor.run({ pace: AT_ONCE });
    }
    const { segments } = compactor.counts;
    await compactor.run({ pace: AT_ONCE });
    expect(compactor.counts.segments).toBe(segments);
    await expect(world.get(damaged)).rejects.toMatchObject({ code: 'Corrupt' });
    kept.delete(damaged);
    for (const [key, bytes] of kept) expect((await world.get(key))?.equals(bytes), key).toBe(true);
    const findings = await world.findings();
    expect(findings.map(({ kind }) => kind)).toEqual(['frameDamaged']);
  });

  it('goes on with the rest where the disk fails to give bytes', async () => {
    world = await World.open({ segmentBytes: 1 << 20 });
    const kept = await thinned(world);
    const before = (await world.life.extents.list()).length;
    // In each of the first ones, so that one of them comes first.
    for (const container of [1, 2])
      world.disk.wearOut({ name: `00/0000000000000${container}.seg`, offset: 500_000 });
    const compactor = compactorOf(world);
    expect(await compactor.run({ pace: AT_ONCE })).toMatchObject({ complete: true });
    await world.life.collector.drain();
    expect((await world.life.extents.list()).length).toBeLessThan(before);
    let lost = 0;
    for (const [key, bytes] of kept) {
      const found = await world.get(key).catch(() => undefined);
      if (found === undefined) lost += 1;
      else expect(found.equals(bytes), key).toBe(true);
    }
    expect(lost).toBeLessThanOrEqual(4);
    for (const _again of [1, 2]) {
      await compactor.run({ pace: AT_ONCE });
      await world.life.collector.drain();
    }
    expect((await compactor.run({ pace: AT_ONCE })).segments).toBe(0);
  });

  it('leaves nothing but garbage behind when it is cut off at any step', async () => {
    await cutOffAnywhere({
      seeds: 12,
      stepsMax: 60,
      fill: (made) => thinned(made, 120),
      after: async (made, kept) => {
        await compactorOf(made).run({ pace: AT_ONCE });
        await made.life.collector.drain();
        await mustHold(made, kept);
      },
    });
  });
});

/** Where the first frame of the first segment lies that is not dead. */
async function firstLive(made: World): Promise<number> {
  for await (const frame of made.life.extents.scan(containerId(1))) return frame.offset;
  throw new Error('nothing is alive');
}

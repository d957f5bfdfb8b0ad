import { afterEach, describe, expect, it } from 'vitest';
import { ManualTimer } from '../manualTimer.ts';
import { AT_ONCE, compactorOf, heldBack, mustHold, thinned } from './compacting.ts';
import { World } from './world.ts';

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

describe('the compactor in the background', () => {
  it('leaves its work when it is asked to do it at once', async () => {
    world = await World.open();
    const kept = await thinned(world);
    const timer = new ManualTimer();
    const { pace, reached } = heldBack();
    const compactor = compactorOf(world, { timer, pace });
    compactor.start();
    timer.fire();
    await reached;
    expect(await compactor.run({ pace: AT_ONCE })).toMatchObject({ complete: true });
    expect(compactor.counts.movedBytes).toBeGreaterThan(0);
    await compactor.stop();
    await mustHold(world, kept);
  });

  it('stops within a batch', async () => {
    world = await World.open();
    const kept = await thinned(world);
    const timer = new ManualTimer();
    const { pace, reached } = heldBack();
    const compactor = compactorOf(world, { timer, pace });
    compactor.start();
    timer.fire();
    await reached;
    await compactor.stop();
    expect(compactor.counts).toMatchObject({ movedBytes: 0, segments: 0, faults: 0 });
    expect(await compactor.run({ pace: AT_ONCE })).toMatchObject({ complete: false });
    await mustHold(world, kept);
  });

  it('looks anew which are the worst after a while, and goes on without a rest', async () => {
    world = await World.open();
    const kept = await thinned(world);
    const timer = new ManualTimer();
    const take = async () => timer.fire();
    const compactor = compactorOf(world, { timer, pace: { take } });
    compactor.start();
    timer.fire();
    await expect.poll(() => compactor.counts.segments).toBeGreaterThan(2);
    await compactor.stop();
    await mustHold(world, kept);
  });
});

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Collector } from '../../src/space/collector.ts';
import { ManualTimer } from '../manualTimer.ts';
import { bytesFrom } from '../random.ts';
import { World } from './world.ts';

const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setImmediate(resolve));
};

describe('the collector in the background', () => {
  let world: World;
  let timer: ManualTimer;
  let collector: Collector;
  let onRead: () => void = () => undefined;
  beforeEach(async () => {
    onRead = () => undefined;
    world = await World.open({ memory: { onYield: () => onRead() } });
    timer = new ManualTimer();
    collector = new Collector({ ...world.life, timer });
  });
  afterEach(async () => {
    await collector.stop();
    await world.close();
  });

  /** Runs it until it has nothing to do. */
  const settle = async (): Promise<void> => {
    for (;;) {
      await timer.isAwaited();
      if (timer.delays[0] === 1000) return;
      timer.fire();
    }
  };

  it('ticks slowly, works when it is woken, and gathers a burst', async () => {
    collector.start();
    await settle();
    expect(timer.delays).toEqual([1000]);
    await world.put('key', bytesFrom(world.random, 400_000));
    await world.delete('key');
    collector.wake();
    expect(timer.delays).toEqual([100]);
    collector.wake();
    expect(timer.delays).toEqual([100]);
    timer.fire();
    // One batch took all there was: the next gathers, too.
    await timer.isAwaited();
    expect(timer.delays).toEqual([100]);
    await settle();
    expect(timer.delays).toEqual([1000]);
    expect(collector.counts).toMatchObject({ expanded: 1, unlinkedContainers: 1 });
  });

  it('looks by itself when readers may be done', async () => {
    await world.put('key', bytesFrom(world.random, 400_000));
    const object = await world.life.objects.open(world.at('key'));
    await world.delete('key');
    collector.start();
    await settle();
    expect(collector.counts).toMatchObject({ expanded: 1, unlinkedContainers: 0 });
    object.close();
    timer.fire();
    await settle();
    expect(collector.counts.unlinkedContainers).toBe(1);
  });

  it('does not miss a call to wake that comes while it works', async () => {
    collector.start();
    await settle();
    let woken = false;
    onRead = () => {
      if (!woken) collector.wake();
      woken = true;
    };
    timer.fire();
    await timer.isAwaited();
    expect(timer.delays).toEqual([100]);
  });

  it('hurries while more waits than a batch takes', async () => {
    const [times, atOnce] = [510, 30];
    for (let done = 0; done < times; done += atOnce) {
      await Promise.all(
        Array.from({ length: atOnce }, (_, i) => world.put(`key-${done + i}`, bytesFrom(world.random, 3000))),
      );
      await Promise.all(Array.from({ length: atOnce }, (_, i) => world.delete(`key-${done + i}`)));
    }
    collector.start();
    const delays: number[] = [];
    do {
      await timer.isAwaited();
      delays.push(...timer.delays);
      timer.fire();
    } while (delays.at(-1) !== 1000);
    expect(delays[0]).toBe(1);
    expect(collector.counts.expanded).toBe(times);
  });

  it('stops at once when it rests, and begins nothing after that', async () => {
    collector.start();
    await settle();
    await collector.stop();
    expect(timer.delays).toEqual([]);
    await world.put('key', bytesFrom(world.random, 400_000));
    await world.delete('key');
    expect(await collector.runOnce()).toBe(false);
    expect(await collector.backlog()).toEqual({ free: 1, reclaim: 0 });
    expect(await collector.backlog(1)).toEqual({ free: 1, reclaim: 0 });
    expect(await collector.backlog(0)).toEqual({ free: 0, reclaim: 0 });
  });

  it('waits for the batch under way', async () => {
    await world.put('key', bytesFrom(world.random, 400_000));
    await world.delete('key');
    let running = false;
    onRead = () => {
      running = true;
    };
    const batch = collector.runOnce();
    await until(() => running);
    await collector.stop();
    expect(await batch).toBe(true);
    expect(collector.counts.expanded).toBe(1);
  });

  it('ends by itself when the store is closed under it', async () => {
    collector.start();
    await settle();
    await world.life.engine.close();
    timer.fire();
    await collector.stop();
    expect(collector.counts.faults).toBe(0);
  });
});

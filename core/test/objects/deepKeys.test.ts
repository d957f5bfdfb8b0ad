/** A key of 1,024 slashes walks through 1,023 directories, and one request may name a thousand such keys. */

import type { WriteTx } from '@facet/engine';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ENGINES, World } from '../space/world.ts';

const DEPTH = 1023;
const DEEP = `${'/'.repeat(DEPTH)}x`;
/** For all that does not depend on the depth. */
const SOME = 40;

describe.each(ENGINES)('deep keys on the %s engine', (engine) => {
  let world: World;
  beforeEach(async () => {
    world = await World.open({ engine });
  });
  afterEach(() => world.close());

  const remove = (key: string) => world.life.objects.delete({ volume: world.volume, key: Buffer.from(key) });
  async function keys(): Promise<string[]> {
    const { entries } = await world.life.objects.list({
      volume: world.volume,
      prefix: Buffer.alloc(0),
      delimiter: Buffer.alloc(0),
      limit: 1000,
    });
    return entries.map((entry) => (entry.kind === 'object' ? entry.key : entry.prefix).toString());
  }

  /** What one operation asks of the engine. */
  async function costOf(work: () => Promise<unknown>): Promise<{ reads: number; writes: number }> {
    const cost = { reads: 0, writes: 0 };
    const { engine: real } = world.life;
    const write = real.write.bind(real);
    const spy = vi.spyOn(real, 'write').mockImplementation((op) => write((tx) => op(counted(tx, cost))));
    await work();
    spy.mockRestore();
    return cost;
  }

  it('cost a few reads and writes a directory', async () => {
    const made = await costOf(() => world.put(DEEP, Buffer.from('deep')));
    expect(made.reads).toBeLessThan(SOME);
    expect(made.writes).toBeLessThan(4 * DEPTH + SOME);
    expect(await keys()).toEqual([DEEP]);
    expect(await world.findings()).toEqual([]);
    const gone = await costOf(() => remove(DEEP));
    expect(gone.reads).toBeLessThan(2 * DEPTH + SOME);
    expect(gone.writes).toBeLessThan(4 * DEPTH + SOME);
    expect(await keys()).toEqual([]);
    expect(await world.findings()).toEqual([]);
  });

  it.each([
    ['a file beside a directory', 'a/b/other'],
    ['a directory beside a directory', 'a/b/c2/other'],
    ['a twin of a directory', 'a/b/c'],
    ['the object of a directory', 'a/b/c/'],
    ['a file beside the object', 'a/b/c/d/e/other'],
  ])('leave what is needed for %s', async (_, kept) => {
    await world.put(kept, Buffer.from('kept'));
    await world.put('a/b/c/d/e/gone', Buffer.from('gone'));
    expect(await world.findings()).toEqual([]);
    await remove('a/b/c/d/e/gone');
    expect(await keys()).toEqual([kept]);
    expect(await world.findings()).toEqual([]);
    await world.put('a/b/c/d/e/again', Buffer.from('again'));
    expect((await keys()).toSorted()).toEqual([kept, 'a/b/c/d/e/again'].toSorted());
    expect(await world.findings()).toEqual([]);
  });
});

function counted(tx: WriteTx, cost: { reads: number; writes: number }): WriteTx {
  return {
    get: (key) => {
      cost.reads += 1;
      return tx.get(key);
    },
    getMany: (asked) => {
      cost.reads += asked.length;
      return tx.getMany(asked);
    },
    range: (range) => {
      cost.reads += 1;
      return tx.range(range);
    },
    put: (key, value) => {
      cost.writes += 1;
      tx.put(key, value);
    },
    delete: (key) => {
      cost.writes += 1;
      tx.delete(key);
    },
  };
}

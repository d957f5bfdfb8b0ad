import { afterEach, describe, expect, it } from 'vitest';
import { FINDING_KINDS } from '../../src/fsck/findings.ts';
import { SPACE } from '../../src/meta/keys.ts';
import type { World } from '../space/world.ts';
import { PLANTS } from './plants/all.ts';
import { openRichStore } from './richStore.ts';
import { Vandal } from './vandal.ts';

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

/** Without a value, or with one that is the user's own bytes, or not written by this version. */
const FORMLESS = ['format', 'inline', 'link', 'orphan'];

const table = FINDING_KINDS.flatMap((kind) => PLANTS[kind].map((plant) => ({ kind, ...plant })));

describe('fsck', () => {
  it('finds nothing in a store with one of everything and work pending', async () => {
    world = await openRichStore();
    expect(await world.life.collector.backlog()).toEqual({ free: 1, reclaim: 1 });
    expect(await world.findings()).toEqual([]);
    expect(await world.findings({ full: false })).toEqual([]);
  });

  it('is shown damage of every kind that it claims to find', () => {
    expect(FINDING_KINDS.filter((kind) => PLANTS[kind].length === 0)).toEqual([]);
  });

  it.each(table)('finds $kind: $what, and nothing else', async ({ kind, plant, also = [] }) => {
    world = await openRichStore();
    await plant(new Vandal(world));
    const kinds = new Set((await world.findings()).map((finding) => finding.kind));
    expect([...kinds].toSorted()).toEqual([kind, ...also].toSorted());
    if (kind === 'frameDamaged') expect(await world.findings({ full: false })).toEqual([]);
  });

  it.each(Object.entries(SPACE).filter(([name]) => !FORMLESS.includes(name)))(
    'goes on after a record of %s that cannot be read',
    async (_name, space) => {
      world = await openRichStore();
      const store = new Vandal(world);
      for (const { key, value } of await store.all(space)) {
        await store.put(key, Buffer.of(0xee));
        const found = await world.findings();
        expect(found.filter(({ kind }) => kind === 'unreadableRecord')).toHaveLength(1);
        await store.put(key, value);
      }
    },
  );
});

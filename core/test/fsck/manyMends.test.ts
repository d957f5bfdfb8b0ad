/** Repairs of more than is held in memory at a time. */

import { afterEach, expect, it } from 'vitest';
import type { Finding } from '../../src/fsck/findings.ts';
import { repair } from '../../src/fsck/repair.ts';
import { inodeId, ROOT_INODE } from '../../src/ids.ts';
import { dentryKey, volumeTagsKey } from '../../src/meta/keys.ts';
import type { World } from '../space/world.ts';
import { openRichStore } from './richStore.ts';
import { LAYER, Vandal } from './vandal.ts';

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

async function repairOf({ life }: World, findingsHeldMax: number) {
  const { engine, extents, environment } = life;
  const left: Finding[] = [];
  const { isUnfinished } = await repair({
    engine,
    extents,
    environment,
    findingsHeldMax,
    onFinding: (finding) => left.push(finding),
    onRepaired: () => undefined,
    setAside: async () => undefined,
  });
  return { left, isUnfinished };
}

it('take nothing away while there is no room for all that adds something', async () => {
  world = await openRichStore();
  const store = new Vandal(world);
  const keys = ['packed', 'other'];
  const bytes = [];
  for (const key of keys) {
    bytes.push(await world.get(key));
    const { parent, entry } = await store.dentry(key);
    // Its cookie knows the name still, and is of nothing: that is found first.
    await store.remove(dentryKey(LAYER, parent, entry));
  }
  const done = await repairOf(world, 1);
  expect([await world.get('packed'), await world.get('other')]).toEqual(bytes);
  expect(done).toEqual({ left: [], isUnfinished: false });
});

it('say that they are to be gone on with', async () => {
  world = await openRichStore();
  const store = new Vandal(world);
  for (let at = 0; at < 20; at += 1)
    await store.addEntry(ROOT_INODE, `ghost${at}`, { inode: inodeId(9_000 + at), type: 'file' });
  const { left, isUnfinished } = await repairOf(world, 1);
  expect([left.length > 0, isUnfinished]).toEqual([true, true]);
  expect(await repairOf(world, 1)).toEqual({ left: [], isUnfinished: false });
});

it('tell of all that is left, and why', async () => {
  world = await openRichStore();
  const store = new Vandal(world);
  for (let at = 0; at < 5; at += 1)
    await store.addEntry(ROOT_INODE, `ghost${at}`, { inode: inodeId(9_000 + at), type: 'file' });
  await store.put(volumeTagsKey(world.volume), Buffer.of(9));
  const few = await repairOf(world, 1);
  expect(few.left).toHaveLength(6);
  expect(
    few.left.filter(({ detail }) => detail.includes('; it stays while there is unreadableRecord')),
  ).toHaveLength(5);
  expect(few).toEqual(await repairOf(world, 100));
});

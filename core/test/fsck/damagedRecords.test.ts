/** A damaged record is replaced where all else says what stands there, and nothing is made of what it may have said. */

import { afterEach, describe, expect, it } from 'vitest';
import { ROOT_INODE } from '../../src/ids.ts';
import {
  cookiesOf,
  dentryKey,
  directoryKey,
  inodeKey,
  kindOfKey,
  SPACE,
  spaceBounds,
  tagsKey,
  usageKey,
} from '../../src/meta/keys.ts';
import type { World } from '../space/world.ts';
import { kindsOf, readable, repairOf } from './repairs.ts';
import { openRichStore } from './richStore.ts';
import { Rot } from './rot.ts';
import { LAYER, Vandal } from './vandal.ts';

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

async function opened(): Promise<{ readonly world: World; readonly store: Vandal }> {
  world = await openRichStore();
  return { world, store: new Vandal(world) };
}

/** What a dry run says is done; and what was done. */
async function triedAndRepaired(store: World) {
  const tried = await repairOf(store, { dryRun: true });
  const { left, repaired } = await repairOf(store);
  const done = new Set(repaired.map(({ doing }) => doing));
  const promised = tried.repaired.map(({ doing }) => doing);
  expect(promised.filter((doing) => !done.has(doing))).toEqual([]);
  return { left, repaired, promised };
}

describe('a repair mends, and a dry run promises, where a record is damaged', () => {
  it.each([
    [
      'the inode of a file with inline bytes',
      async (store: Vandal) => inodeKey(LAYER, await store.inodeOf('inline')),
    ],
    [
      'the inode of a symbolic link',
      async (store: Vandal) => inodeKey(LAYER, await store.inodeOf('symlink')),
    ],
    ['the inode of a directory', async (store: Vandal) => inodeKey(LAYER, await store.inodeOf('twin/in/'))],
    [
      'the inode of an empty directory',
      async (store: Vandal) => inodeKey(LAYER, await store.inodeOf('made/below/')),
    ],
    ['the inode of a root', async () => inodeKey(LAYER, ROOT_INODE)],
    ['the state of a directory', async (store: Vandal) => directoryKey(LAYER, await store.inodeOf('made/'))],
    ['an entry', async () => dentryKey(LAYER, ROOT_INODE, { name: Buffer.from('packed'), directory: false })],
    ['the name of a volume', async (store: Vandal) => firstOf(store, SPACE.volumeName)],
    ['a cookie', async (store: Vandal) => firstOf(store, SPACE.cookie)],
    ['the index of a long name', async (store: Vandal) => firstOf(store, SPACE.longName)],
    ['usage', async () => usageKey(LAYER)],
  ] as const)('%s', async (_what, keyOf) => {
    const { world, store } = await opened();
    const before = await readable(world);
    const key = await keyOf(store);
    const kept = await store.get(key);
    const rot = new Rot(world.life.engine, key);
    await expect(store.get(key)).rejects.toThrow('is damaged');
    const { left, promised } = await triedAndRepaired(world);
    expect(left).toEqual([]);
    expect(promised).not.toEqual([]);
    expect(rot.isThere).toBe(false);
    expect(await readable(world)).toEqual(before);
    await expect(store.inodeOf('lost+found/')).rejects.toThrow();
    // Of those that are nothing but what others say.
    if (['cookie', 'longName', 'usage', 'volumeName'].includes(kindOfKey(key)))
      expect(await store.get(key)).toEqual(kept);
  });
});

describe('a repair leaves, and a dry run promises nothing of,', () => {
  it('the inode of a file whose bytes are elsewhere, and all that may be of it', async () => {
    const { world, store } = await opened();
    const [id, content] = [await store.inodeOf('packed'), await store.contentOf('packed')];
    const kept = await Promise.all([store.content(content), store.get(tagsKey(LAYER, id))]);
    const rot = new Rot(world.life.engine, inodeKey(LAYER, id));
    const { left, repaired } = await triedAndRepaired(world);
    expect(repaired).toEqual([]);
    expect(kindsOf(left)).toContain('recordDamaged');
    expect(left.find(({ kind }) => kind === 'entryWithoutInode')).toMatchObject({
      what: expect.stringContaining('packed'),
      detail: expect.stringMatching(/is damaged; it stays while there is recordDamaged/),
    });
    expect(rot.isThere).toBe(true);
    expect(await Promise.all([store.content(content), store.get(tagsKey(LAYER, id))])).toEqual(kept);
  });
});

async function firstOf(store: Vandal, space: number): Promise<Uint8Array> {
  const range = space === SPACE.cookie ? cookiesOf(LAYER, ROOT_INODE) : spaceBounds(space);
  const [entry] = await store.world.life.engine.read((tx) => tx.range({ ...range, limit: 1 }));
  if (!entry) throw new Error(`there is no record of space ${space}`);
  return entry.key;
}

/** Something is to be added that can not be: what has nothing to do with that is mended all the same. */

import { afterEach, describe, expect, it } from 'vitest';
import type { FindingKind } from '../../src/fsck/findings.ts';
import { cookie, inodeId, ROOT_INODE } from '../../src/ids.ts';
import { inodeKey } from '../../src/meta/keys.ts';
import { encodeInode } from '../../src/meta/records/inode.ts';
import type { World } from '../space/world.ts';
import { PLANTS } from './plants/all.ts';
import { kindsOf, readable, repairOf } from './repairs.ts';
import { openRichStore } from './richStore.ts';
import { LAYER, Vandal } from './vandal.ts';

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

/** An entry of nothing, in the same volume, and a content that is referred to less often than it says. */
async function plantWhatGoes(store: Vandal): Promise<void> {
  await store.addEntry(ROOT_INODE, 'ghost', { inode: inodeId(9_999), type: 'file' });
  await store.editContent(await store.contentOf('packed'), { refs: 2 });
}

/** An inode without a name, and a file in the place of the directory that it would get one in. @returns the inode */
async function plantWhatCanNotBeNamed(store: Vandal): Promise<number> {
  const { etag: _, ...inode } = await store.inode('inline');
  const id = inodeId(await store.take(`inode/${LAYER}`));
  const place = { parent: ROOT_INODE, cookie: cookie(9_999) };
  const bare = { ...inode, body: { kind: 'empty' }, sizeBytes: 0, place } as const;
  await store.put(inodeKey(LAYER, id), encodeInode(bare));
  await store.use({ bytes: 0, inodes: 1 });
  const inline = await store.inodeOf('inline');
  await store.addEntry(ROOT_INODE, 'lost+found', { inode: inline, type: 'directory' });
  return id;
}

describe('a repair takes away what nothing refers to', () => {
  it.each([
    ['nameNotRecorded', 'a second name of a directory', ['nameNotRecorded']],
    ['uploadKeyWrong', 'a copy under another key', ['uploadKeyWrong']],
    ['cookieIndexWrong', 'one cookie of two', []],
    ['cookieIndexWrong', 'the cookie of an entry that is gone', []],
    ['tagCountWrong', 'no inode', []],
  ] as const)('beside %s: %s', async (kind: FindingKind, what, left) => {
    world = await openRichStore();
    const store = new Vandal(world);
    const plant = PLANTS[kind].find((one) => one.what === what);
    await plant?.plant(store);
    await plantWhatGoes(store);
    const before = await readable(world);
    expect(plant).toBeDefined();
    expect(kindsOf((await repairOf(world)).left)).toEqual(left);
    expect(await readable(world)).toEqual(new Map([...(await readable(world)), ...before]));
  });

  it('elsewhere than in the volume where something can not be mended, and tells what that is', async () => {
    world = await openRichStore();
    const store = new Vandal(world);
    const id = await plantWhatCanNotBeNamed(store);
    await plantWhatGoes(store);
    const { left } = await repairOf(world);
    expect(kindsOf(left)).toEqual(['entryTypeWrong', 'entryWithoutInode', 'inodeWithoutName']);
    const detailOf = (kind: FindingKind) => left.find((one) => one.kind === kind)?.detail;
    expect(detailOf('inodeWithoutName')).toMatch(
      /; it can not be mended: directory \d+ of volume \w+ does not/,
    );
    expect(detailOf('entryWithoutInode')).toMatch(
      new RegExp(`; it stays while inodeWithoutName \\(inode ${id}, volume \\w+\\) can not be mended`),
    );
    expect(await store.content(await store.contentOf('packed'))).toMatchObject({ refs: 1 });
    await store.removeEntry('lost+found/');
    expect((await repairOf(world)).left).toEqual([]);
    expect(await store.inodeOf(`lost+found/inode-${id}`)).toBe(id);
  });
});

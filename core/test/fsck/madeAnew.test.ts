/** Files whose inode is gone or knows another name: what an entry proves is not taken to lost+found. */

import { afterEach, describe, expect, it } from 'vitest';
import { cookie } from '../../src/ids.ts';
import { inlineKey, inodeKey } from '../../src/meta/keys.ts';
import type { World } from '../space/world.ts';
import { readable, repairOf } from './repairs.ts';
import { openRichStore } from './richStore.ts';
import { LAYER, Vandal } from './vandal.ts';

let world: World | undefined;
afterEach(async () => {
  await world?.close();
  world = undefined;
});

const CALLER = { uid: 0, gid: 0, groups: [] };

describe('a repair puts back at its name', () => {
  it('a file whose inode is gone, and whose bytes are inline', async () => {
    world = await openRichStore();
    const store = new Vandal(world);
    const before = await readable(world);
    const id = await store.inodeOf('inline');
    await store.remove(inodeKey(LAYER, id));
    expect((await readable(world)).has('inline')).toBe(false);
    const { left, repaired } = await repairOf(world);
    expect(left).toEqual([]);
    expect(repaired.map(({ doing }) => doing)).toContain(
      'makes the file anew, since its bytes are there; its attributes and metadata are lost',
    );
    expect(await readable(world)).toEqual(before);
    expect(await store.inodeOf('inline')).toBe(id);
    expect(await store.inode('inline')).toMatchObject({ nlink: 1, mode: 0o600, sizeBytes: 100 });
  });

  it('one below a directory whose inode is gone, too', async () => {
    world = await openRichStore();
    const store = new Vandal(world);
    const before = await readable(world);
    const [directory, file] = [await store.inodeOf('twin/in/'), await store.inodeOf('twin/in/deep')];
    await store.remove(inodeKey(LAYER, directory), inodeKey(LAYER, file));
    expect((await repairOf(world)).left).toEqual([]);
    expect(await readable(world)).toEqual(before);
    expect(await store.inodeOf('twin/in/deep')).toBe(file);
  });

  it('one with several names, with all of them', async () => {
    world = await openRichStore();
    const store = new Vandal(world);
    const { files } = world.life;
    const parent = await files.root({ volume: world.volume });
    const { file } = await files.lookup({ caller: CALLER, parent, name: Buffer.from('inline') });
    if (!file) throw new Error('there is no such file');
    for (const name of ['before', 'zuletzt'])
      await files.link({ caller: CALLER, file, parent, name: Buffer.from(name) });
    const before = await readable(world);
    await store.remove(inodeKey(LAYER, await store.inodeOf('inline')));
    expect((await repairOf(world)).left).toEqual([]);
    expect(await readable(world)).toEqual(before);
    expect(await store.inode('zuletzt')).toMatchObject({ nlink: 3 });
  });

  it('a symbolic link', async () => {
    world = await openRichStore();
    const store = new Vandal(world);
    const id = await store.inodeOf('symlink');
    const target = await store.get(inlineKey(LAYER, id));
    await store.remove(inodeKey(LAYER, id));
    expect((await repairOf(world)).left).toEqual([]);
    expect(await store.inode('symlink')).toMatchObject({ type: 'symlink', sizeBytes: target.length });
    expect(await store.get(inlineKey(LAYER, await store.inodeOf('symlink')))).toEqual(target);
  });

  it('an object with its tags, since these are a record of their own', async () => {
    world = await openRichStore();
    const store = new Vandal(world);
    const at = world.at('inline');
    const tags = [{ key: 'colour', value: 'red' }];
    await world.life.objects.setTags({ ...at, tags });
    await store.remove(inodeKey(LAYER, await store.inodeOf('inline')));
    expect((await repairOf(world)).left).toEqual([]);
    expect(await world.life.objects.getTags(at)).toEqual(tags);
    expect(await world.life.objects.head(at)).toMatchObject({ sizeBytes: 100, tagCount: 1 });
  });

  it.each(['inline', 'packed', 'made/'])(
    '%s, whose inode knows another name that is not there',
    async (path) => {
      world = await openRichStore();
      const store = new Vandal(world);
      const before = await readable(world);
      await store.editInode(path, ({ place }) => ({ place: { ...place, cookie: cookie(9_999) } }));
      expect((await repairOf(world)).left).toEqual([]);
      // There is no lost+found.
      expect(await readable(world)).toEqual(before);
      expect(await store.inode(path)).toMatchObject({ nlink: 1 });
      await expect(store.inodeOf('lost+found/')).rejects.toThrow();
    },
  );
});

it('bytes that no entry is of are a file in lost+found, as before', async () => {
  world = await openRichStore();
  const store = new Vandal(world);
  const bytes = await world.get('inline');
  const id = await store.inodeOf('inline');
  await store.removeEntry('inline');
  await store.remove(inodeKey(LAYER, id));
  expect((await repairOf(world)).left).toEqual([]);
  const { entries } = await world.life.objects.list({
    volume: world.volume,
    prefix: Buffer.from('lost+found/'),
    delimiter: Buffer.alloc(0),
    limit: 10,
  });
  const keys = entries.flatMap((entry) => (entry.kind === 'object' ? [entry.key.toString()] : []));
  const found = keys.filter((key) => !key.endsWith('/'));
  expect(found).toHaveLength(1);
  expect(await world.get(found[0] ?? '')).toEqual(bytes);
});

import type { Engine } from '@facet/engine';
import { afterEach, describe, expect, it } from 'vitest';
import { FINDING_KINDS, type FindingKind } from '../../src/fsck/findings.ts';
import { repair } from '../../src/fsck/repair.ts';
import { cookie, inodeId, ROOT_INODE } from '../../src/ids.ts';
import { contentKey, dentryKey, inlineKey, inodeKey, tagsKey, volumeTagsKey } from '../../src/meta/keys.ts';
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

/** What stays as it is, since nothing proves what it should be, or that it is dead. */
const LEFT: ReadonlySet<FindingKind> = new Set<FindingKind>([
  'recordDamaged',
  'unreadableRecord',
  'unknownKey',
  'volumeWithoutOwner',
  'layerShared',
  'layerWithoutVolume',
  'accountNameWrong',
  'accessKeyWrong',
  'leasesOverlap',
  'callWrong',
  'entryOutsideDirectory',
  'inlineMissing',
  'inlineLengthWrong',
  'checksumWrong',
  'contentMissing',
  'contentLengthWrong',
  'mapWithoutContent',
  'mapOverlap',
  'mapBeyondLength',
  'mapOutsideExtent',
  'referenceOutOfRange',
  'referenceTooDeep',
  'partMarkMissing',
  'uploadStillOpen',
  'partWithoutUpload',
  'containerMissing',
  'beyondContainer',
  'bytesOwnedTwice',
  'unaccountedBytes',
  'frameMissing',
  'frameOwnerWrong',
  'frameDamaged',
]);
/** Of kinds that else are mended. */
const LEFT_OF_MENDED: ReadonlySet<string> = new Set([
  'contentShapeWrong: one extent and a map',
  'contentShapeWrong: an extent of another length',
  'mappedBytesWrong: one of three entries lost',
  'mappedBytesWrong: the only entry lost',
  'nameNotRecorded: a second name of a directory',
  'tagCountWrong: none there',
  'uploadKeyWrong: a copy under another key',
]);

const isLeft = ({ kind, what }: { readonly kind: FindingKind; readonly what: string }): boolean =>
  LEFT.has(kind) || LEFT_OF_MENDED.has(`${kind}: ${what}`);

const table = FINDING_KINDS.flatMap((kind) => PLANTS[kind].map((plant) => ({ kind, ...plant })));

describe('a repair', () => {
  it('does nothing where nothing is wrong', async () => {
    world = await openRichStore();
    expect(await repairOf(world)).toEqual({ left: [], repaired: [] });
  });

  it.each(table)('of $kind: $what', async ({ kind, what, plant, also = [] }) => {
    world = await openRichStore();
    await plant(new Vandal(world));
    const before = await readable(world);
    const { left, repaired } = await repairOf(world);
    expect(kindsOf(left)).toEqual(isLeft({ kind, what }) ? [kind, ...also].toSorted() : []);
    if (!isLeft({ kind, what })) expect(repaired.length).toBeGreaterThan(0);
    expect(kindsOf(await world.findings())).toEqual(kindsOf(left));
    // Nothing that could be read is gone or another, and the collector takes nothing of it.
    expect(await readable(world)).toEqual(new Map([...(await readable(world)), ...before]));
    await world.life.collector.drain();
    expect(await readable(world)).toEqual(new Map([...(await readable(world)), ...before]));
  });

  it('gives what lost its name one that both views reach, and back the one that a cookie still knows', async () => {
    world = await openRichStore();
    const store = new Vandal(world);
    const bytes = await world.get('packed');
    const inode = await store.inodeOf('packed');
    await store.removeEntry('packed');
    const { parent, entry } = await store.dentry('other');
    await store.remove(dentryKey(LAYER, parent, entry));
    const other = bytes && (await store.contentOf('big')) && (await readable(world)).get('other');
    expect(other).toBeUndefined();
    const { left } = await repairOf(world);
    expect(left).toEqual([]);
    expect(await world.get(`lost+found/inode-${inode}`)).toEqual(bytes);
    expect(await world.get('other')).toBeDefined();
    const root = await world.life.files.root({ volume: world.volume });
    const found = await world.life.files.lookup({
      caller: { uid: root.uid, gid: root.gid, groups: [] },
      parent: root,
      name: Buffer.from('lost+found'),
    });
    expect(found.file?.type).toBe('directory');
  });

  it('gives a further name back, too, that its cookie still knows', async () => {
    world = await openRichStore();
    const store = new Vandal(world);
    const before = await readable(world);
    const { parent, entry } = await store.dentry('linked');
    await store.remove(dentryKey(LAYER, parent, entry));
    expect((await readable(world)).has('linked')).toBe(false);
    const { left } = await repairOf(world);
    expect(left).toEqual([]);
    expect(await readable(world)).toEqual(before);
    expect((await store.inode('linked')).nlink).toBe(2);
  });

  it('makes a directory anew that is gone, and has entries', async () => {
    world = await openRichStore();
    const store = new Vandal(world);
    const before = await readable(world);
    const below = [...before.keys()].filter((key) => key.startsWith('made/'));
    const id = await store.inodeOf('made/');
    await store.remove(inodeKey(LAYER, id));
    expect([...(await readable(world)).keys()]).not.toEqual(expect.arrayContaining(below));
    const { left } = await repairOf(world);
    expect(left).toEqual([]);
    expect(await readable(world)).toEqual(before);
    expect(await store.inodeOf('made/below/')).toBeGreaterThan(0);
  });

  it('takes nothing away, and no count down, while there is a record that cannot be read', async () => {
    world = await openRichStore();
    const store = new Vandal(world);
    await store.editContent(await store.contentOf('packed'), { refs: 2 });
    await store.addEntry(ROOT_INODE, 'ghost', { inode: inodeId(9_999), type: 'file' });
    await store.editState(ROOT_INODE, () => ({ nextCookie: cookie(4) }));
    await store.put(volumeTagsKey(world.volume), Buffer.of(9));
    const { left, repaired } = await repairOf(world);
    expect(repaired.map(({ finding }) => finding.kind)).toEqual(['cookieBeyondNext']);
    const kinds = ['entryWithoutInode', 'referenceCountWrong', 'unreadableRecord'];
    expect(kindsOf(left)).toEqual(kinds);
    await store.remove(volumeTagsKey(world.volume));
    expect((await repairOf(world)).left).toEqual([]);
  });

  it('makes the root of a volume anew, and all that is in it can be read again', async () => {
    world = await openRichStore();
    const store = new Vandal(world);
    const before = await readable(world);
    await store.remove(inodeKey(LAYER, ROOT_INODE));
    expect((await repairOf(world)).left).toEqual([]);
    expect(await readable(world)).toEqual(before);
    expect(await store.inodeOf('made/below/')).toBeGreaterThan(0);
  });

  it('leaves a container where it is that may be that of a content which is missing', async () => {
    world = await openRichStore();
    const store = new Vandal(world);
    const id = await store.contentOf('big');
    const content = await store.get(contentKey(id));
    const before = await readable(world);
    await store.remove(contentKey(id));
    const [container, ...others] = (await repairOf(world)).left.filter(
      ({ kind }) => kind === 'containerWithoutReferent',
    );
    expect(container?.detail).toMatch(/; it may have the bytes of a content that is missing$/);
    expect(others).toEqual([]);
    await store.put(contentKey(id), content);
    expect((await repairOf(world)).left).toEqual([]);
    expect(await readable(world)).toEqual(before);
  });

  it('leaves inline bytes where they are while the inode that may have them is damaged', async () => {
    world = await openRichStore();
    const store = new Vandal(world);
    const id = await store.inodeOf('inline');
    const bytes = await store.get(inlineKey(LAYER, id));
    store.damageRecord(inodeKey(LAYER, id));
    const { left, repaired } = await repairOf(world);
    expect(repaired).toEqual([]);
    expect(kindsOf(left)).toContain('recordDamaged');
    expect(await store.get(inlineKey(LAYER, id))).toEqual(bytes);
  });

  it('counts no tags down to none while the record of them is damaged', async () => {
    world = await openRichStore();
    const store = new Vandal(world);
    store.damageRecord(tagsKey(LAYER, await store.inodeOf('packed')));
    const { left, repaired } = await repairOf(world);
    expect(repaired).toEqual([]);
    expect(kindsOf(left)).toEqual(['recordDamaged', 'tagCountWrong']);
  });

  it('leaves a content alone that nothing refers to and that does not say so itself', async () => {
    world = await openRichStore();
    const store = new Vandal(world);
    const content = await store.contentOf('packed');
    const { inode: id } = (await store.dentry('packed')).dentry;
    await store.put(
      inodeKey(LAYER, id),
      encodeInode({ ...(await store.inode('packed')), body: { kind: 'empty' }, sizeBytes: 0 }),
    );
    const { left } = await repairOf(world);
    expect(kindsOf(left)).toEqual(['referenceCountWrong']);
    await world.life.collector.drain();
    expect(await store.content(content)).toMatchObject({ refs: 1 });
  });

  it('is gone on with by the next where it was killed, wherever that was', async () => {
    const plantAll = async (store: Vandal) => {
      const plants = [
        PLANTS.inodeWithoutName,
        PLANTS.linkCountWrong,
        PLANTS.liveBytesDead,
        PLANTS.directoryUnreachable,
        PLANTS.inlineStray,
      ];
      for (const [first] of plants) await first?.plant(store);
    };
    for (let steps = 0, isKilled = true; isKilled; steps += 1) {
      world = await openRichStore();
      await plantAll(new Vandal(world));
      const before = await readable(world);
      const { engine } = world.life;
      let done = 0;
      const killed = new Proxy(engine, {
        get: (target, name) =>
          name === 'write'
            ? (op: Parameters<Engine['write']>[0]) => {
                done += 1;
                return done > steps ? Promise.reject(new Error('killed')) : target.write(op);
              }
            : Reflect.get(target, name).bind(target),
      });
      const { life } = world;
      isKilled = await repair({
        engine: killed,
        extents: life.extents,
        environment: life.environment,
        onFinding: () => undefined,
        onRepaired: () => undefined,
        setAside: async () => undefined,
      }).then(
        () => false,
        (error: unknown) => {
          expect(error).toMatchObject({ message: 'killed' });
          return true;
        },
      );
      expect((await repairOf(world)).left).toEqual([]);
      expect(await readable(world)).toEqual(new Map([...(await readable(world)), ...before]));
      await world.close();
      world = undefined;
      expect(steps).toBeLessThan(100);
      if (!isKilled) expect(steps).toBeGreaterThan(5);
    }
  });

  it('that is only tried tells what it would do, and changes nothing', async () => {
    world = await openRichStore();
    const store = new Vandal(world);
    await store.editContent(await store.contentOf('packed'), { refs: 2 });
    const everything = { start: Buffer.of(0), end: Buffer.of(0xff), limit: 100_000 };
    const before = await world.life.engine.read((tx) => tx.range(everything));
    const { left, repaired } = await repairOf(world, { dryRun: true });
    expect(kindsOf(left)).toEqual(['referenceCountWrong']);
    expect(repaired.map(({ doing }) => doing)).toEqual([
      expect.stringMatching(/say that it is referred to 1 times$/),
    ]);
    expect(await world.life.engine.read((tx) => tx.range(everything))).toEqual(before);
  });
});

import { containerName } from '@facet/extents';
import { afterEach, describe, expect, it } from 'vitest';
import { FINDING_KINDS } from '../../src/fsck/findings.ts';
import { SPACE } from '../../src/meta/keys.ts';
import { Volumes } from '../../src/volumes/volumes.ts';
import type { World } from '../space/world.ts';
import { PLANTS } from './plants/all.ts';
import { repairOf } from './repairs.ts';
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

  it('tells how much of all containers it has looked through, up to all of it', async () => {
    world = await openRichStore();
    const told: number[] = [];
    const all = (await world.life.extents.list()).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    await repairOf(world, {
      dryRun: true,
      onProgress: ({ bytes, bytesExpected }) => {
        expect(bytesExpected).toBe(all);
        told.push(bytes);
      },
    });
    expect(told.length).toBeGreaterThan(1);
    expect(told).toEqual([...new Set(told)].toSorted((one, other) => one - other));
    expect(told.at(-1)).toBe(all);
  });

  it('goes on behind what the device no longer gives', async () => {
    world = await openRichStore();
    const store = new Vandal(world);
    const places = [await store.locationOf('packed'), await store.locationOf('other')];
    const [first, second] = places.toSorted((one, other) => one.offset - other.offset);
    if (!first || !second) throw new Error('there are two');
    expect(second.container).toBe(first.container);
    const page = first.offset + 20_000;
    world.disk.wearOut({ name: `${containerName(first.container, 'segment')}`, offset: page });
    store.damage({ container: second.container, offset: second.offset + 20_000 });
    const what = `container ${containerName(first.container, 'segment')}`;
    expect(await world.findings()).toMatchObject([
      { kind: 'frameMissing', what, detail: `4096 bytes at ${page - (page % 4096)} can not be read` },
      { kind: 'frameDamaged', what, objects: [{}] },
      { kind: 'frameDamaged', what, objects: [{}] },
    ]);
  });

  it('finds nothing of a volume that is gone', async () => {
    world = await openRichStore();
    const { objects } = world.life;
    const volumes = new Volumes(world.life);
    const { id } = await volumes.create({ name: 'brief', owner: 'tester' });
    await volumes.setTags(id, [{ key: 'colour', value: 'red' }]);
    const key = Buffer.from('directory/');
    const attributes = { properties: {}, userMetadata: {}, initiator: 'tester' };
    const etag = { digest: Buffer.alloc(16), parts: 0 };
    const body = { kind: 'inline', lengthBytes: 1, bytes: Buffer.of(1) } as const;
    await objects.put({ volume: id, key, body, etag, ...attributes });
    const { upload } = await objects.createUpload({ volume: id, key, ...attributes });
    await objects.putPart({ volume: id, key, upload, partNumber: 1, body, md5: Buffer.alloc(16) });
    await objects.abortUpload({ volume: id, key, upload });
    await objects.delete({ volume: id, key });
    await volumes.delete(id);
    expect(await world.findings()).toEqual([]);
    await world.life.collector.drain();
    expect(await world.findings()).toEqual([]);
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

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CheckedWriter, readBlocks } from '../../src/backup/checkedFile.ts';
import { type BackupProgress, checkBackups, prune, Repository, removeBackups } from '../../src/index.ts';
import { bytesFrom, randomFrom } from '../random.ts';
import { ENGINES } from '../rig.ts';
import { bringBack, filesOf, objectsOf, placeForBackups, verify, Yard } from './yard.ts';

const SIZES = [0, 10, 1_900, 5_000, 60_000, 300_000, 2_500_000];

describe.each(ENGINES)('a backup of a store on the %s engine', (kind) => {
  it('brings back every byte, and a second one copies what is new alone', async () => {
    const yard = await Yard.open(kind);
    const random = randomFrom(1);
    const place = placeForBackups().mount();
    for (const size of SIZES) await yard.put(`first/${size}`, bytesFrom(random, size));
    const first = await yard.backup(place, {
      smallFiles: [{ name: 'key.json', bytes: Buffer.from('secret') }],
    });
    const ofFirst = await objectsOf(yard.core, yard.volume);
    expect(first).toMatchObject({ containers: 3, copiedContainers: 3, damaged: [] });
    expect(first.copiedBytes).toBe(first.bytes);

    await yard.delete('first/60000');
    await yard.put('second/small', bytesFrom(random, 10_000));
    await yard.put('second/large', bytesFrom(random, 400_000));
    await yard.core.collector.drain();
    const second = await yard.backup(place);
    const ofSecond = await objectsOf(yard.core, yard.volume);
    // The segment's new frame, and the container of the large one.
    expect(second).toMatchObject({ containers: 4, copiedContainers: 2 });
    expect(second.copiedBytes).toBeGreaterThan(410_000);
    expect(second.copiedBytes).toBeLessThan(411_000);

    for (const [id, objects] of [
      [first.id, ofFirst],
      [second.id, ofSecond],
    ] as const) {
      const back = await bringBack(place, { id });
      expect(back.containers.damaged).toEqual([]);
      expect(await back.objects()).toEqual(objects);
      expect(await back.findings()).toEqual([]);
      await back.put('after', bytesFrom(random, 300_000));
      expect((await back.objects()).size).toBe(objects.size + 1);
    }
    const repository = await Repository.open(place);
    expect(await repository.backups()).toEqual([first.id, second.id]);
    expect((await repository.manifest(first.id)).smallFiles).toEqual([
      { name: 'key.json', bytes: Buffer.from('secret') },
    ]);
  });

  it('has what was acknowledged before it began, and nothing torn, while others write and delete', async () => {
    const yard = await Yard.open(kind);
    const random = randomFrom(2);
    const place = placeForBackups().mount();
    /** Each version that a key ever had; none is empty. */
    const versions = new Map<string, Buffer[]>();
    const acknowledged = new Map<string, Buffer>();
    let going = true;
    const write = async (key: string): Promise<void> => {
      const size = SIZES[1 + Math.floor(random() * (SIZES.length - 2))] ?? 0;
      const bytes = bytesFrom(random, size);
      versions.set(key, [...(versions.get(key) ?? []), bytes]);
      await yard.put(key, bytes);
      acknowledged.set(key, bytes);
    };
    for (let at = 0; at < 40; at += 1) await write(`kept${at}`);
    // So many that metadata are of several pages.
    for (let at = 0; at < 300; at += 1) await yard.put(`many${at}`, Buffer.of(1));
    const writer = async (own: number): Promise<void> => {
      while (going) {
        await write(`changing${own}-${Math.floor(random() * 5)}`);
        await write(`kept${20 + own}`);
        await yard.delete(`changing${own}-${Math.floor(random() * 5)}`);
      }
    };
    const writers = [0, 1, 2].map(writer);
    const ids: string[] = [];
    for (let round = 0; round < 4; round += 1) {
      const before = new Map(acknowledged);
      const { id, damaged } = await yard.backup(place, {
        // What the backup refers to is dropped while it runs.
        onProgress: () => void yard.core.collector.drain(),
      });
      expect(damaged).toEqual([]);
      ids.push(id);
      const back = await bringBack(place, { id });
      const objects = await back.objects();
      for (const [key, bytes] of objects)
        if (!key.startsWith('many'))
          expect(
            versions.get(key)?.some((one) => one.equals(bytes)),
            key,
          ).toBe(true);
      for (let at = 0; at < 20; at += 1)
        expect(objects.get(`kept${at}`)?.equals(before.get(`kept${at}`) ?? Buffer.alloc(0))).toBe(true);
      for (const key of before.keys()) if (key.startsWith('kept')) expect(objects.has(key), key).toBe(true);
      expect(back.containers.damaged).toEqual([]);
      expect(await back.findings()).toEqual([]);
    }
    going = false;
    await Promise.all(writers);
    // The earlier ones are as they were, too.
    for (const id of ids) {
      const back = await bringBack(place, { id });
      expect(back.containers.damaged).toEqual([]);
      expect(await back.findings()).toEqual([]);
    }
  });

  it('keeps what is deleted meanwhile until it is copied', async () => {
    const yard = await Yard.open(kind);
    let isDeleted = false;
    const place = placeForBackups({
      before: async ({ kind, name }) => {
        // Metadata are copied, and no container is.
        if (isDeleted || kind !== 'makeDirectory' || name !== 'containers/00') return undefined;
        isDeleted = true;
        for (let at = 0; at < 5; at += 1) await yard.delete(`k${at}`);
        await yard.core.collector.drain();
        return undefined;
      },
    }).mount();
    const bytes = bytesFrom(randomFrom(3), 400_000);
    for (let at = 0; at < 5; at += 1) await yard.put(`k${at}`, bytes);
    const report = await yard.backup(place);
    expect(isDeleted).toBe(true);
    expect([report.damaged, report.copiedContainers]).toEqual([[], 5]);
    const back = await bringBack(place);
    expect([...(await back.objects()).values()].every((one) => one.equals(bytes))).toBe(true);
    expect((await back.objects()).size).toBe(5);
    // It is reclaimed then.
    for (let left = 1; left > 0; ) {
      await yard.core.collector.drain();
      left = (await yard.core.collector.backlog()).reclaim;
    }
    expect(await yard.backup(place)).toMatchObject({ containers: 0 });
  });
});

describe('a directory of backups', () => {
  it('takes no backup of another store, nor of one that went another way', async () => {
    const [one, other] = [await Yard.open('memory'), await Yard.open('memory')];
    const place = placeForBackups().mount();
    await one.put('a', Buffer.from('a'));
    const first = await one.backup(place);
    await expect(other.backup(place)).rejects.toMatchObject({ code: 'PreconditionFailed' });
    // What was brought back is a store of its own, whether the other goes on or not.
    const back = await bringBack(place);
    const options = { to: place, smallFiles: [], bytesPerSecond: 1e12 };
    await expect(back.core.backup(options)).rejects.toMatchObject({
      code: 'PreconditionFailed',
      message: expect.stringContaining('was restored from a backup'),
    });
    const elsewhere = placeForBackups().mount();
    await back.core.backup({ ...options, to: elsewhere });
    await back.core.backup({ ...options, to: elsewhere });
    await one.backup(place);
    expect((await Repository.open(place).then((opened) => opened.backups()))[0]).toBe(first.id);
  });

  it('loses the backups that are named, and the store goes on behind those that are left', async () => {
    const yard = await Yard.open('memory');
    const memory = placeForBackups();
    const place = memory.mount();
    const ids: string[] = [];
    for (let at = 0; at < 4; at += 1) {
      await yard.put(`large${at}`, bytesFrom(randomFrom(at), 300_000));
      await yard.put(`packed${at}`, bytesFrom(randomFrom(at), 20_000));
      ids.push((await yard.backup(place)).id);
    }
    const repository = await Repository.open(place);
    const after = await filesOf(place);
    await expect(removeBackups(repository, [ids[0] ?? '', 'another'])).rejects.toMatchObject({
      code: 'NoEntry',
    });
    const damage = { name: `backups/${ids[0]}.manifest`, offset: 60, mask: 1 };
    memory.damage(damage);
    await expect(removeBackups(repository, ids.slice(2))).rejects.toMatchObject({ code: 'Corrupt' });
    memory.damage(damage);
    expect(await filesOf(place)).toEqual(after);
    const removed = await removeBackups(repository, ids.slice(2));
    // The large ones, and what lies behind the end of the segment's copy.
    expect(removed).toMatchObject({ backups: ids.slice(2), files: 2 });
    expect(removed.bytes).toBeGreaterThan(640_000);
    expect(await verify(place)).toBeUndefined();
    const next = await yard.backup(place);
    expect(next.copiedBytes).toBeGreaterThan(640_000);
    const back = await bringBack(place);
    expect([(await back.objects()).size, await back.findings()]).toEqual([8, []]);
    expect((await removeBackups(repository, [ids[0] ?? '', ids[1] ?? '', next.id])).files).toBe(5);
    expect([...(await filesOf(place)).keys()]).toEqual(['repository']);
    await yard.backup(place);
    expect(await verify(place)).toBeUndefined();
  });

  it('is made only where there is nothing', async () => {
    const yard = await Yard.open('memory');
    const place = placeForBackups().mount();
    await (await place.create('photo.jpg', 'buffered')).close();
    await expect(yard.backup(place)).rejects.toMatchObject({
      code: 'NotEmpty',
      message: expect.stringContaining('photo.jpg'),
    });
  });

  it('takes one backup of a store at a time', async () => {
    const yard = await Yard.open('memory');
    const place = placeForBackups().mount();
    const first = yard.backup(place);
    await expect(yard.backup(placeForBackups().mount())).rejects.toMatchObject({ code: 'Busy' });
    await first;
    await yard.backup(place);
  });

  it('gives room back when backups are removed, and keeps what others need', async () => {
    const yard = await Yard.open('memory');
    const place = placeForBackups().mount();
    const random = randomFrom(4);
    const ids: string[] = [];
    for (let at = 0; at < 4; at += 1) {
      await yard.put(`k${at}`, bytesFrom(random, 300_000));
      if (at > 0) await yard.delete(`k${at - 1}`);
      await yard.core.collector.drain();
      ids.push((await yard.backup(place)).id);
    }
    const before = await bringBack(place, { id: ids[2] ?? '' });
    const pruned = await prune(await Repository.open(place), 2);
    expect(pruned).toMatchObject({ backups: ids.slice(0, 2), files: 2 });
    expect(pruned.bytes).toBeGreaterThan(600_000);
    for (const id of ids.slice(2)) {
      const back = await bringBack(place, { id });
      expect([back.containers.damaged, await back.findings()]).toEqual([[], []]);
    }
    expect(await (await bringBack(place, { id: ids[2] ?? '' })).objects()).toEqual(await before.objects());
    await expect(bringBack(place, { id: ids[0] ?? '' })).rejects.toMatchObject({ code: 'NoEntry' });
    await yard.backup(place);
  });

  it('removes none where one that stays can not be read, and none follows that', async () => {
    const yard = await Yard.open('memory');
    const memory = placeForBackups();
    const place = memory.mount();
    const ids: string[] = [];
    for (let at = 0; at < 3; at += 1) {
      await yard.put(`k${at}`, bytesFrom(randomFrom(at), 300_000));
      ids.push((await yard.backup(place)).id);
    }
    const damage = { name: `backups/${ids[2]}.manifest`, offset: 60, mask: 1 };
    memory.damage(damage);
    await expect(prune(await Repository.open(place), 2)).rejects.toMatchObject({ code: 'Corrupt' });
    expect(await (await Repository.open(place)).backups()).toEqual(ids);
    await expect(yard.backup(place)).rejects.toThrow(/manifest: .*checksum\. Back up to a new directory/);
    expect((await bringBack(place, { id: ids[1] ?? '' })).containers.damaged).toEqual([]);
    memory.damage(damage);
    expect((await prune(await Repository.open(place), 2)).backups).toEqual(ids.slice(0, 1));
  });

  it('goes on where the file that names the directory was damaged, and writes it anew', async () => {
    const yard = await Yard.open('memory');
    const memory = placeForBackups();
    const place = memory.mount();
    await yard.put('k', bytesFrom(randomFrom(1), 300_000));
    await yard.backup(place);
    memory.damage({ name: 'repository', offset: 20, mask: 1 });
    expect((await Repository.open(place)).damage).toBeDefined();
    expect((await yard.backup(place)).copiedBytes).toBe(0);
    expect((await Repository.open(place)).damage).toBeUndefined();
    await place.unlink('repository');
    expect((await yard.backup(place)).copiedBytes).toBe(0);
    expect((await Repository.open(place)).damage).toBeUndefined();
    expect(await verify(place)).toBeUndefined();
  });
});

it('says what is damaged or gone in the store, and copies the rest', async () => {
  const yard = await Yard.open('memory');
  const random = randomFrom(6);
  const place = placeForBackups().mount();
  for (const key of ['a', 'b', 'c']) await yard.put(key, bytesFrom(random, 300_000));
  await rm(join(yard.rig.folder, 'extents', '00', '00000000000001.ext'));
  const told: BackupProgress[] = [];
  const { damaged, id } = await yard.backup(place, { onProgress: (progress) => told.push(progress) });
  // How much there is nobody knows while metadata are copied.
  expect(told[0]).toMatchObject({ bytes: expect.any(Number), bytesExpected: 0 });
  expect(told.at(-1)?.bytesExpected).toBeGreaterThan(600_000);
  const object = { volume: 'bucket', key: 'a' };
  expect(damaged).toMatchObject([{ container: 1, reason: 'the file is missing', objects: [object] }]);
  // It is told as long as the store has it so.
  expect((await yard.backup(place)).damaged).toMatchObject([{ container: 1, objects: [object] }]);
  const back = await bringBack(place, { id });
  expect((await back.findings()).map(({ kind }) => kind)).toEqual(['containerMissing']);
  // Its manifest says that it was so, and a check does.
  const manifest = await (await Repository.open(place)).manifest(id);
  expect(manifest).toMatchObject({ damagedPlaceCount: 1, damagedRecordCount: 0 });
  const { backups } = await checkBackups({ from: place });
  expect(backups.map(({ damagedPlaceCount }) => damagedPlaceCount)).toEqual([1, 1]);
  // One that no longer has the object is whole.
  await yard.delete('a');
  expect((await yard.backup(place)).damaged).toEqual([]);
  expect((await checkBackups({ from: place })).backups.at(-1)).not.toHaveProperty('damagedPlaceCount');
});

it('reads manifests of a version that did not count damaged places', async () => {
  const yard = await Yard.open('memory');
  const place = placeForBackups().mount();
  await yard.put('a', bytesFrom(randomFrom(1), 300_000));
  const { id } = await yard.backup(place);
  const repository = await Repository.open(place);
  const manifest = await repository.manifest(id);
  const name = `backups/${id}.manifest`;
  const identity = repository.identity('manifest', id);
  const blocks: Buffer[] = [];
  for await (const block of readBlocks(place, name, identity)) blocks.push(Buffer.from(block));
  await place.unlink(name);
  const file = await CheckedWriter.create(place, name, identity);
  for (const [at, block] of blocks.entries()) await file.block(at === 0 ? block.subarray(0, -8) : block);
  await file.finish();
  await file.close();
  expect(await repository.manifest(id)).toEqual(manifest);
  expect(await verify(place)).toBeUndefined();
});

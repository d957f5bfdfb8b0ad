/** Records of the metadata that are damaged in the store: a backup goes on past them, and nothing of them is made up. */

import { describe, expect, it } from 'vitest';
import { LostRecords } from '../../src/backup/lostRecords.ts';
import { FILE_BYTES_MAX } from '../../src/files/changed.ts';
import { contentId } from '../../src/ids.ts';
import { type Core, type FileRef, prune, Repository } from '../../src/index.ts';
import { contentMapKey, contentOfKey, kindOfKey, SPACE, spaceBounds } from '../../src/meta/keys.ts';
import { damageRecord } from '../fsck/vandal.ts';
import { bytesFrom, randomFrom } from '../random.ts';
import { ENGINES } from '../rig.ts';
import { bringBack, objectsOf, placeForBackups, verify, Yard } from './yard.ts';

const ROOT = { uid: 0, gid: 0, groups: [] };
const TAGS = [{ key: 'colour', value: 'red' }];

/** Every record of a kind. */
async function keysOf({ rig }: Yard, space: number): Promise<readonly Uint8Array[]> {
  const entries = await rig.engine.read((tx) => tx.range({ ...spaceBounds(space), limit: 1_000 }));
  return entries.map(({ key }) => Buffer.from(key));
}

async function only(yard: Yard, space: number, at = 0): Promise<Uint8Array> {
  const key = (await keysOf(yard, space)).at(at);
  if (!key) throw new Error(`there is no record of space ${space}`);
  return key;
}

async function filled(kind: (typeof ENGINES)[number]): Promise<Yard> {
  const yard = await Yard.open(kind);
  const random = randomFrom(11);
  for (const [key, size] of Object.entries({ tiny: 50, packed: 20_000, large: 400_000 }))
    await yard.put(key, bytesFrom(random, size));
  await yard.core.objects.setTags({ volume: yard.volume, key: Buffer.from('packed'), tags: TAGS });
  // Else it gives back leases while a test looks at them.
  await yard.core.collector.drain();
  return yard;
}

/** A file of several pieces, by the other view. */
async function writePieces({ core, volume }: Pick<Yard, 'core' | 'volume'>, name: string): Promise<FileRef> {
  const caller = ROOT;
  const parent = await core.files.root({ volume });
  const how = { kind: 'guarded', attributes: {} } as const;
  const { file } = await core.files.create({ caller, parent, name: Buffer.from(name), how });
  for (const offset of [0, 1 << 20, 2 << 20])
    await core.files.write({ caller, file, offset, data: [bytesFrom(randomFrom(offset), 30_000)] });
  return file;
}

/** To be read by ranges. */
async function opened(core: Core, name: string) {
  const caller = ROOT;
  const volume = (await core.volumes.find('bucket'))?.id;
  if (volume === undefined) throw new Error('there is no volume');
  const parent = await core.files.root({ volume });
  const { file } = await core.files.lookup({ caller, parent, name: Buffer.from(name) });
  if (!file) throw new Error(`there is no file ${name}`);
  const read = async (offset: number, lengthBytes: number): Promise<Buffer> => {
    const { data } = await core.files.read({ caller, file, offset, lengthBytes });
    return Buffer.concat(data);
  };
  return { caller, parent, file, read };
}

describe.each(ENGINES)('a backup of a store on the %s engine with a damaged record', (kind) => {
  it.each([
    ['tags', SPACE.tags],
    ['usage', SPACE.usage],
    ['cookie', SPACE.cookie],
    ['lease', SPACE.lease],
    ['backup', SPACE.backup],
  ] as const)('of %s has all else', async (what, space) => {
    const yard = await filled(kind);
    const before = await objectsOf(yard.core, yard.volume);
    await yard.backup(placeForBackups().mount());
    const key = await only(yard, space);
    const heal = damageRecord(yard.rig.engine, key);
    const place = placeForBackups().mount();
    const { damaged, damagedRecords, damagedRecordCount, id } = await yard.backup(place);
    heal();
    expect(damaged).toEqual([]);
    expect(damagedRecords).toEqual([{ key: Buffer.from(key).toString('hex'), kind: what }]);
    expect(damagedRecordCount).toBe(1);
    const manifest = await (await Repository.open(place)).manifest(id);
    expect(manifest).toMatchObject({ damagedRecords, damagedRecordCount });
    const back = await bringBack(place);
    expect(await back.objects()).toEqual(before);
  });

  it('of tags does not say that there were none, nor does one of what is brought back from it', async () => {
    const yard = await filled(kind);
    const key = await only(yard, SPACE.tags);
    damageRecord(yard.rig.engine, key);
    const place = placeForBackups().mount();
    await yard.backup(place);
    const back = await bringBack(place);
    const { core } = back;
    const volume = (await core.volumes.find('bucket'))?.id ?? yard.volume;
    const at = { volume, key: Buffer.from('packed') };
    await expect(core.objects.getTags(at)).rejects.toThrow();
    expect((await back.findings()).map(({ kind: found }) => found)).toContain('unreadableRecord');
    const again = await core.backup({
      to: placeForBackups().mount(),
      smallFiles: [],
      bytesPerSecond: Number.MAX_SAFE_INTEGER,
    });
    expect(again.damagedRecordCount).toBe(1);
    await core.objects.setTags({ ...at, tags: TAGS });
    expect(await core.objects.getTags(at)).toEqual(TAGS);
  });

  it('of a map has all of the file but what that was of, which is no hole', async () => {
    const yard = await filled(kind);
    await writePieces(yard, 'pieces');
    const before = await objectsOf(yard.core, yard.volume);
    const pieces = before.get('pieces') ?? Buffer.alloc(0);
    damageRecord(yard.rig.engine, await only(yard, SPACE.contentMap, 1));
    const place = placeForBackups().mount();
    expect(await yard.backup(place)).toMatchObject({ damagedRecordCount: 1 });
    const back = await bringBack(place);
    expect((await back.read('packed')).equals(before.get('packed') ?? Buffer.alloc(0))).toBe(true);
    const { file, read } = await opened(back.core, 'pieces');
    // Of the holes none is known to be one.
    for (const start of [30_000, 1 << 20, (1 << 20) + 20_000, (2 << 20) - 10])
      await expect(read(start, 10)).rejects.toMatchObject({ code: 'Corrupt' });
    for (const start of [0, 2 << 20])
      expect(await read(start, 30_000)).toEqual(pieces.subarray(start, start + 30_000));
    const kinds = async () => (await back.findings()).map(({ kind: found }) => found);
    expect(await kinds()).toEqual(['containerMissing']);

    // What is written there mends it; a backup of it brings back as much.
    const [caller, offset] = [ROOT, 1 << 20];
    const data = [pieces.subarray(offset, offset + 30_000)];
    await back.core.files.write({ caller, file, offset, data });
    const again = placeForBackups().mount();
    const options = { to: again, smallFiles: [], bytesPerSecond: Number.MAX_SAFE_INTEGER };
    expect(await back.core.backup(options)).toMatchObject({ damagedRecordCount: 0 });
    const copy = await bringBack(again);
    const { parent, read: readCopy } = await opened(copy.core, 'pieces');
    expect(await readCopy(offset, 30_000)).toEqual(data[0]);
    await expect(readCopy(30_000, 10)).rejects.toMatchObject({ code: 'Corrupt' });
    await copy.core.files.remove({ caller, parent, name: Buffer.from('pieces') });
    expect(await copy.findings()).toEqual([]);
  });

  it('of a map whose key was damaged has no hole where it was', async () => {
    const yard = await filled(kind);
    await writePieces(yard, 'pieces');
    const key = await only(yard, SPACE.contentMap, 1);
    const entry = await yard.rig.engine.read((tx) => tx.get(key));
    if (!entry) throw new Error('there is no entry');
    // As if it were amid the last one, and behind the end.
    for (const offset of [(2 << 20) + 5, 4 << 20]) {
      const elsewhere = contentMapKey(contentId(contentOfKey(key)), offset);
      await yard.rig.engine.write(function* (tx) {
        tx.delete(key);
        tx.put(elsewhere, (yield* tx.get(elsewhere)) ?? entry);
        return offset;
      });
      const heal = damageRecord(yard.rig.engine, elsewhere);
      const place = placeForBackups().mount();
      await yard.backup(place);
      heal();
      await yard.rig.engine.write(function* (tx) {
        tx.put(key, entry);
        tx.delete(elsewhere);
        return yield* tx.get(key);
      });
      const { read } = await opened((await bringBack(place)).core, 'pieces');
      await expect(read(1 << 20, 10)).rejects.toMatchObject({ code: 'Corrupt' });
      expect(await read(2 << 20, 30_000)).toEqual(bytesFrom(randomFrom(2 << 20), 30_000));
    }
  });

  it('of a map whose key is that of no content has all else', async () => {
    const yard = await filled(kind);
    await writePieces(yard, 'pieces');
    const before = await objectsOf(yard.core, yard.volume);
    const key = await only(yard, SPACE.contentMap, 1);
    const damaged = Buffer.from(key);
    damaged.writeUInt8(0x80, 1);
    await yard.rig.engine.write(function* (tx) {
      const entry = yield* tx.get(key);
      if (entry) tx.put(damaged, entry);
      return entry;
    });
    damageRecord(yard.rig.engine, damaged);
    const place = placeForBackups().mount();
    expect(await yard.backup(place)).toMatchObject({ damagedRecordCount: 1 });
    const back = await bringBack(place);
    expect(await back.objects()).toEqual(before);
    expect(await back.findings()).toEqual([]);
  });

  it('of maps of files as long as can be has all else', async () => {
    const yard = await filled(kind);
    const { core } = yard;
    const { id: other } = await core.volumes.create({ name: 'other', owner: 'tester' });
    // In all more than a number holds; no volume does, either.
    for (const volume of [yard.volume, other]) {
      for (let at = 0; at < 5; at += 1) {
        const file = await writePieces({ core, volume }, `long ${at}`);
        await core.files.setattr({ caller: ROOT, file, changes: { sizeBytes: FILE_BYTES_MAX } });
      }
    }
    const keys = await keysOf(yard, SPACE.contentMap);
    for (const key of keys.filter((_, at) => at % 3 === 1)) damageRecord(yard.rig.engine, key);
    const place = placeForBackups().mount();
    expect(await yard.backup(place)).toMatchObject({ damagedRecordCount: 10 });
    const { read } = await opened((await bringBack(place)).core, 'long 0');
    for (const start of [1 << 20, FILE_BYTES_MAX - 10])
      await expect(read(start, 10)).rejects.toMatchObject({ code: 'Corrupt' });
    expect(await read(2 << 20, 30_000)).toEqual(bytesFrom(randomFrom(2 << 20), 30_000));
  });

  it('of a map with more holes than a transaction takes leaves none of them', async () => {
    const yard = await filled(kind);
    const [caller, stride, count] = [ROOT, 8192, 2100];
    const file = await writePieces(yard, 'holes');
    const bytesAt = (at: number): Buffer => bytesFrom(randomFrom(at), 1000);
    const places = Array.from({ length: count }, (_, at) => (4 << 20) + at * stride);
    for (const offset of places)
      await yard.core.files.write({ caller, file, offset, data: [bytesAt(offset)] });
    await yard.core.files.setattr({ caller, file, changes: { sizeBytes: 1 << 30 } });
    damageRecord(yard.rig.engine, await only(yard, SPACE.contentMap, 700));
    const place = placeForBackups().mount();
    expect(await yard.backup(place)).toMatchObject({ damagedRecordCount: 1 });
    const { read } = await opened((await bringBack(place)).core, 'holes');
    let lost = 0;
    for (const offset of places) {
      const bytes = await read(offset, 1000).catch(() => undefined);
      if (bytes === undefined) lost += 1;
      else expect(bytes.equals(bytesAt(offset))).toBe(true);
      await expect(read(offset + 1000, 10)).rejects.toMatchObject({ code: 'Corrupt' });
    }
    expect(lost).toBe(1);
    for (const offset of [30_000, 3 << 20, (1 << 30) - 10])
      await expect(read(offset, 10)).rejects.toMatchObject({ code: 'Corrupt' });
  });

  it('that ids come from is none, and leaves those that are there as they are', async () => {
    const yard = await filled(kind);
    const place = placeForBackups().mount();
    const { id } = await yard.backup(place);
    const heal = damageRecord(yard.rig.engine, await only(yard, SPACE.counter));
    await expect(yard.backup(place)).rejects.toMatchObject({ code: 'Corrupt' });
    heal();
    expect(await (await Repository.open(place)).backups()).toEqual([id]);
    expect(await verify(place)).toBeUndefined();
  });

  it('does not have older ones removed that are without damage', async () => {
    const yard = await filled(kind);
    const place = placeForBackups().mount();
    const { id: whole } = await yard.backup(place);
    const repository = await Repository.open(place);
    const before = await objectsOf(yard.core, yard.volume);
    const content = (await keysOf(yard, SPACE.content)).at(-1) ?? Buffer.of(0);
    const heal = damageRecord(yard.rig.engine, content);
    const later = [];
    for (let at = 0; at < 3; at += 1) {
      const { id, damagedRecordCount } = await yard.backup(place);
      expect(damagedRecordCount).toBe(1);
      later.push(id);
      // Those that are no better than the newest go, as told.
      await prune(repository, 1);
      expect(await repository.backups()).toEqual([whole, id]);
    }
    expect(await (await bringBack(place, { id: whole })).objects()).toEqual(before);
    await yard.delete('large');
    heal();
    const { id } = await yard.backup(place);
    expect((await prune(repository, 1)).backups).toEqual([whole, later.at(-1)]);
    expect(await repository.backups()).toEqual([id]);
    expect(await verify(place)).toBeUndefined();
  });
});

it('what is written anew while a backup is made is not lost', () => {
  const lost = new LostRecords();
  const keys = [Buffer.of(SPACE.tags, 1), Buffer.of(SPACE.tags, 2)];
  for (const key of keys) lost.met(key);
  lost.changed({ key: Buffer.of(SPACE.tags, 2), value: Buffer.of(1) });
  expect([...lost.changes()].map(({ key }) => key)).toEqual(keys.slice(0, 1));
  expect(lost.first(10)).toEqual([{ key: '1601', kind: kindOfKey(keys[0] ?? Buffer.of(0)) }]);
});

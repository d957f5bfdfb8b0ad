/** Segments come and go: what a backup has of one, the ones after it leave as it is, whatever they need of it. */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { checkBackups, Repository } from '../../src/index.ts';
import { bytesFrom, randomFrom } from '../random.ts';
import { ENGINES } from '../rig.ts';
import { bringBack, objectsOf, placeForBackups, Yard } from './yard.ts';

const SEGMENT = '00/00000000000001.seg';

describe.each(ENGINES)('a segment of a store on the %s engine', (kind) => {
  it('of which one backup needs nothing, and the next something', async () => {
    const yard = await Yard.open(kind);
    const random = randomFrom(1);
    const place = placeForBackups().mount();
    await yard.put('first', bytesFrom(random, 200_000));
    const first = await yard.backup(place);
    const ofFirst = await objectsOf(yard.core, yard.volume);
    await yard.delete('first');
    await yard.core.collector.drain();
    expect(await yard.backup(place)).toMatchObject({ containers: 0 });
    await yard.core.collector.drain();
    await yard.put('second', bytesFrom(random, 10_000));
    const third = await yard.backup(place);
    expect(third).toMatchObject({ containers: 1, copiedContainers: 1, damaged: [] });
    expect(third.copiedBytes).toBeLessThan(11_000);
    const { backups } = await checkBackups({ from: place });
    expect(backups.map(({ damage, damaged }) => [damage, damaged])).toEqual(Array(3).fill([undefined, []]));
    const back = await bringBack(place, { id: first.id });
    expect(await back.objects()).toEqual(ofFirst);
    expect(await back.findings()).toEqual([]);
    expect((await bringBack(place)).containers.damaged).toEqual([]);
  });

  it('of which much was given back: nothing is wrong with what the holes left', async () => {
    const yard = await Yard.open(kind);
    const random = randomFrom(3);
    const place = placeForBackups().mount();
    for (let at = 0; at < 12; at += 1) await yard.put(`k${at}`, bytesFrom(random, 150_000));
    for (let at = 0; at < 11; at += 1) if (at % 3 > 0) await yard.delete(`k${at}`);
    await yard.core.collector.drain();
    const { id } = await yard.backup(place);
    const { suspicious, containers } = await (await Repository.open(place)).manifest(id);
    expect([suspicious, containers.length]).toEqual([[], 1]);
  });

  it('whose extent was cut short: what was given back of its end is not missed', async () => {
    const yard = await Yard.open(kind);
    const { files } = yard.core;
    const place = placeForBackups().mount();
    const bytes = bytesFrom(randomFrom(4), 3 << 20);
    await yard.put('cut', bytes);
    const caller = { uid: 0, gid: 0, groups: [] };
    const parent = await files.root({ volume: yard.volume });
    const { file } = await files.lookup({ caller, parent, name: Buffer.from('cut') });
    if (!file) throw new Error('the object is a file');
    await files.setattr({ caller, file, changes: { sizeBytes: 1 << 20 } });
    await yard.core.collector.drain();
    const { damaged, copiedBytes } = await yard.backup(place);
    expect(damaged).toEqual([]);
    expect(copiedBytes).toBeLessThan(2 << 20);
    const back = await bringBack(place);
    expect((await back.read('cut')).equals(bytes.subarray(0, 1 << 20))).toBe(true);
    expect(await back.findings()).toEqual([]);
  });

  it('that was lost: what backups have of it is what there is', async () => {
    const yard = await Yard.open(kind);
    const random = randomFrom(2);
    const place = placeForBackups().mount();
    await yard.put('kept', bytesFrom(random, 20_000));
    await yard.backup(place);
    const before = await objectsOf(yard.core, yard.volume);
    await yard.put('lost', bytesFrom(random, 30_000));
    await rm(join(yard.rig.folder, 'extents', SEGMENT));
    const { damaged, containers } = await yard.backup(place);
    const key = { volume: 'bucket', key: 'lost' };
    expect(damaged).toMatchObject([{ container: 1, reason: 'the file is missing', objects: [key] }]);
    expect(containers).toBe(1);
    const back = await bringBack(place);
    const found = await back.findings();
    expect(found.flatMap(({ objects }) => objects ?? [])).toEqual(found.map(() => key));
    expect((await back.read('kept')).equals(before.get('kept') ?? Buffer.alloc(0))).toBe(true);
    await expect(back.read('lost')).rejects.toMatchObject({ code: 'Corrupt' });
  });
});

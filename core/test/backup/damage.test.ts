/** No byte of a backup changes, comes or goes unnoticed. */

import type { Disk, MemoryDisk } from '@facet/extents';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkBackups, OpenedBackup, Repository } from '../../src/index.ts';
import { bytesFrom, randomFrom } from '../random.ts';
import { placeForBackups, verify, Yard } from './yard.ts';

let place: MemoryDisk;
let disk: Disk;

/** Two backups, so that a segment has two stretches, and a hole where something was given back between them. */
async function prepare(): Promise<void> {
  let close = async (): Promise<void> => undefined;
  const yard = await Yard.open('memory', {
    defer: (work) => {
      close = work;
    },
  });
  const random = randomFrom(8);
  place = placeForBackups();
  disk = place.mount();
  for (const size of [10, 5_000, 20_000]) await yard.put(`k${size}`, bytesFrom(random, size));
  await yard.put('large', bytesFrom(random, 300_000));
  await yard.backup(disk, { smallFiles: [{ name: 'a.json', bytes: bytesFrom(random, 50) }] });
  await yard.put('going', bytesFrom(random, 200_000));
  await yard.put('later', bytesFrom(random, 7_000));
  await yard.delete('going');
  await yard.core.collector.drain();
  await yard.backup(disk, { smallFiles: [{ name: 'a.json', bytes: bytesFrom(random, 50) }] });
  await close();
}

async function filesOfNewest(): Promise<readonly { readonly name: string; readonly sizeBytes: number }[]> {
  const repository = await Repository.open(disk);
  const newest = (await repository.backups()).at(-1) ?? '';
  const names = ['repository', `backups/${newest}.manifest`, `backups/${newest}.metadata`];
  for (const file of await disk.list('containers/00')) names.push(`containers/00/${file}`);
  return Promise.all(
    names.map(async (name) => ({ name, sizeBytes: (await disk.status(name))?.sizeBytes ?? 0 })),
  );
}

describe('a backup of which', () => {
  beforeAll(prepare);

  it('nothing was touched is whole', async () => {
    expect(await verify(disk)).toBeUndefined();
    const files = await filesOfNewest();
    expect(files.map(({ name }) => name.replace(/.*[./]/, '')).toSorted()).toEqual(
      ['ext', 'manifest', 'metadata', 'repository', 'seg'].toSorted(),
    );
    // There is a hole in the segment, which counts as much as the rest.
    const segment = files.find(({ name }) => name.endsWith('.seg'));
    const status = await disk.status(segment?.name ?? '');
    expect(status?.allocatedBytes).toBeLessThan(status?.sizeBytes ?? 0);
  });

  it.each(['manifest', 'metadata', 'seg', 'ext'])('a bit of the %s turned', async (kind) => {
    const random = randomFrom(9);
    const file = (await filesOfNewest()).find(({ name }) => name.endsWith(kind));
    if (!file) throw new Error(`there is no ${kind}`);
    const { name, sizeBytes } = file;
    const offsets =
      sizeBytes < 600
        ? Array.from({ length: sizeBytes }, (_, offset) => offset)
        : [0, sizeBytes - 1, ...Array.from({ length: 80 }, () => Math.floor(random() * sizeBytes))];
    for (const offset of offsets) {
      const mask = 1 << Math.floor(random() * 8);
      place.damage({ name, offset, mask });
      expect(await verify(disk), `bit ${mask} of byte ${offset}`).toContain(
        name.replace(/^backups.*\./, '.'),
      );
      place.damage({ name, offset, mask });
    }
    expect(await verify(disk)).toBeUndefined();
  });

  it.each(['manifest', 'metadata', 'seg', 'ext'])('the %s is gone, cut short or longer', async (kind) => {
    const file = (await filesOfNewest()).find(({ name }) => name.endsWith(kind));
    if (!file) throw new Error(`there is no ${kind}`);
    const { name, sizeBytes } = file;
    const handle = await disk.open(name, 'buffered');
    const end = Buffer.alloc(1);
    await handle.read({ position: sizeBytes - 1, buffers: [end] });
    await handle.truncate(sizeBytes - 1);
    expect(await verify(disk)).toContain(name);
    await handle.write({ position: sizeBytes - 1, buffers: [end, Buffer.of(0)] });
    // Of a container what is longer is of a backup that was cut short.
    if (kind === 'manifest' || kind === 'metadata') expect(await verify(disk)).toContain('behind its end');
    await handle.truncate(sizeBytes);
    expect(await verify(disk)).toBeUndefined();
    await disk.rename(name, `${name}.away`);
    const outcome = await verify(disk);
    // Without its manifest it is none: then the one before is the newest.
    if (kind === 'manifest') expect(outcome).toBeUndefined();
    else expect(outcome).toContain(name);
    await disk.rename(`${name}.away`, name);
    await handle.close();
  });

  it.each(['manifest', 'metadata', 'seg', 'ext'])(
    'a bit of the %s turned is found by a check',
    async (kind) => {
      const ids = await (await Repository.open(disk)).backups();
      const [older = '', newer = ''] = ids;
      const whole = { backups: ids.map((id) => ({ id, damaged: [] })) };
      const checked = await checkBackups({ from: disk });
      expect(checked).toMatchObject(whole);
      const { name, sizeBytes } = (await filesOfNewest()).find((file) => file.name.endsWith(kind)) ?? {
        name: '',
        sizeBytes: 0,
      };
      // What both have is read once.
      expect(checked.bytes).toBeLessThan(2 * 600_000);
      // At the end of a segment lies what only the newer one has.
      for (const offset of [100, sizeBytes - 1]) {
        const damage = { name, offset, mask: 1 };
        place.damage(damage);
        const { backups } = await checkBackups({ from: disk });
        const ofOlder = backups.find(({ id }) => id === older);
        const ofNewer = backups.find(({ id }) => id === newer);
        if (kind === 'manifest' || kind === 'metadata') {
          expect(ofNewer?.damage).toContain(name);
          expect(ofOlder).toEqual({ id: older, damaged: [] });
        } else {
          expect(ofNewer?.damaged).toMatchObject([{ path: name }]);
          const isShared = kind === 'ext' || offset === 100;
          expect(ofOlder?.damaged).toMatchObject(isShared ? [{ path: name }] : []);
        }
        place.damage(damage);
      }
      await disk.rename(name, 'aside');
      const { backups } = await checkBackups({ from: disk });
      const gone = backups.find(({ id }) => id === newer);
      if (kind === 'manifest') expect(gone).toBeUndefined();
      else expect(JSON.stringify(gone)).toMatch(/is missing|is not there/);
      await disk.rename('aside', name);
      expect(await checkBackups({ from: disk })).toMatchObject(whole);
    },
  );

  it('the file that names the directory is damaged or gone can be restored all the same', async () => {
    const remarks = async () => (await OpenedBackup.open({ from: disk })).remarks;
    expect(await remarks()).toEqual([]);
    const { sizeBytes } = (await filesOfNewest()).find(({ name }) => name === 'repository') ?? {
      sizeBytes: 0,
    };
    expect(sizeBytes).toBeGreaterThan(0);
    for (let offset = 0; offset < sizeBytes; offset += 1) {
      const damage = { name: 'repository', offset, mask: 1 << (offset % 8) };
      place.damage(damage);
      expect(await verify(disk), `byte ${offset}`).toBeUndefined();
      expect(await remarks()).toEqual([expect.stringContaining('the backup is damaged: repository: ')]);
      place.damage(damage);
    }
    await disk.rename('repository', 'aside');
    expect(await verify(disk)).toBeUndefined();
    expect(await remarks()).toEqual([expect.stringContaining('it is not there')]);
    await disk.rename('aside', 'repository');
    expect(await remarks()).toEqual([]);
  });

  it('a file is that of another backup', async () => {
    const repository = await Repository.open(disk);
    const [older = '', newer = ''] = await repository.backups();
    for (const kind of ['manifest', 'metadata']) {
      await disk.rename(`backups/${newer}.${kind}`, 'aside');
      await disk.rename(`backups/${older}.${kind}`, `backups/${newer}.${kind}`);
      expect(await verify(disk, { id: newer })).toContain('of another backup');
      await disk.rename(`backups/${newer}.${kind}`, `backups/${older}.${kind}`);
      await disk.rename('aside', `backups/${newer}.${kind}`);
    }
    expect(await verify(disk)).toBeUndefined();
  });
});

it.each(['manifest', 'metadata', 'seg', 'ext'])('a directory is no %s of a backup', async (kind) => {
  await prepare();
  const { name = '' } = (await filesOfNewest()).find((file) => file.name.endsWith(kind)) ?? {};
  const id = (await (await Repository.open(disk)).backups()).at(-1) ?? '';
  expect(await verify(disk, { id })).toBeUndefined();
  await disk.unlink(name);
  await disk.makeDirectory(name);
  expect(await verify(disk, { id })).toContain(name);
});

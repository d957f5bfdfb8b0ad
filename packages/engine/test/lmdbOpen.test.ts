import { mkdir, mkdtemp, open, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { open as openLmdb } from 'lmdb';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openLmdbEngine } from '../src/index.ts';
import { bytes, get, write } from './shorthand.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-open-'));
  path = join(folder, 'store');
});
afterEach(() => rm(folder, { recursive: true }));

it('makes the directory, and finds again what was written', async () => {
  const engine = await openLmdbEngine({ path });
  await write(engine, [[bytes('k'), bytes('v')]]);
  await engine.close();
  const again = await openLmdbEngine({ path });
  expect(await get(again, bytes('k'))).toEqual(bytes('v'));
  await again.close();
});

it.each([
  ['a directory that is not there', () => join(folder, 'nowhere', 'store')],
  ['one where nothing can be made', () => '/proc/store'],
])('is not made in %s', async (_, place) => {
  await expect(openLmdbEngine({ path: place() })).rejects.toMatchObject({
    name: 'EngineError',
    code: 'Failed',
    message: expect.stringContaining(place()),
  });
});

it('does not overlap commits with their sync: nobody else can while it is open', async () => {
  const engine = await openLmdbEngine({ path });
  const overlapping = () => openLmdb({ path, noSubdir: false, overlappingSync: true });
  expect(overlapping).toThrow('opened without this flag');
  await engine.close();
});

it('takes an empty file, as a crash in the middle of the first start leaves one', async () => {
  await mkdir(path);
  await writeFile(join(path, 'data.mdb'), '');
  const engine = await openLmdbEngine({ path });
  await write(engine, [[bytes('k'), bytes('v')]]);
  await engine.close();
});

// Each of these ends a process that lets lmdb-js try.
describe('refuses with a message', () => {
  beforeEach(async () => {
    const engine = await openLmdbEngine({ path });
    await engine.close();
  });
  const data = () => join(path, 'data.mdb');

  it.each<[string, () => Promise<unknown>]>([
    ['a file of something else', () => writeFile(data(), Buffer.alloc(20_000, 'something else'))],
    ['a file cut short', () => truncate(data(), 4100)],
    ['a few bytes', () => truncate(data(), 10)],
    ['a file whose second meta page is gone', () => overwrite(data(), 4096 + 24)],
    ['a directory in place of the file', () => rm(data()).then(() => mkdir(data()))],
    [
      'a directory in place of the lock file',
      () => rm(join(path, 'lock.mdb')).then(() => mkdir(join(path, 'lock.mdb'))),
    ],
  ])('%s', async (_, spoil) => {
    await spoil();
    await expect(openLmdbEngine({ path })).rejects.toMatchObject({
      name: 'EngineError',
      code: 'Failed',
      message: expect.stringContaining(path),
    });
  });
});

async function overwrite(file: string, at: number): Promise<void> {
  const handle = await open(file, 'r+');
  await handle.write(Buffer.alloc(8), 0, 8, at);
  await handle.close();
}

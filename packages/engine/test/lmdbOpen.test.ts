import { mkdir, mkdtemp, open, rm, stat, truncate, writeFile } from 'node:fs/promises';
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

describe('a file that was cut', () => {
  const data = () => join(path, 'data.mdb');
  const pairs = (count: number): [Buffer, Buffer][] =>
    Array.from({ length: count }, (_, at) => [Buffer.from(`key ${at}`), Buffer.alloc(500, at)]);

  it.each([
    ['to its two meta pages', () => 2 * 4096],
    ['to a half', (size: number) => size / 2],
    // A thousand values took hundreds of pages, and hardly any of them is free.
    ['by a fifth', (size: number) => size * 0.8],
  ])('%s is refused: reading past its end would end the process', async (_, left) => {
    const engine = await openLmdbEngine({ path });
    await write(engine, pairs(1000));
    await engine.close();
    await truncate(data(), Math.floor(left((await stat(data())).size)));
    await expect(openLmdbEngine({ path })).rejects.toMatchObject({
      code: 'Failed',
      message: expect.stringContaining('was cut'),
    });
  });

  it('is not one that has many free pages', async () => {
    for (let round = 0; round < 5; round += 1) {
      const engine = await openLmdbEngine({ path });
      await write(engine, pairs(1000));
      await engine.write(function* (tx) {
        for (const [key] of pairs(1000)) tx.delete(key);
        return yield* tx.get(bytes('k'));
      });
      await engine.close();
    }
    const engine = await openLmdbEngine({ path });
    expect(await get(engine, Buffer.from('key 1'))).toBeUndefined();
    await engine.close();
  });
});

async function overwrite(file: string, at: number): Promise<void> {
  const handle = await open(file, 'r+');
  await handle.write(Buffer.alloc(8), 0, 8, at);
  await handle.close();
}

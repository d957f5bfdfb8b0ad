/** Whatever keys a volume holds: every one of them is a file that a walk by shown names comes to, and no more. */
import { createHash } from 'node:crypto';
import { type Core, type FileAttributes, openCore, systemEnvironment, type VolumeId } from '@facet/core';
import { MemoryEngine } from '@facet/engine';
import { LocalExtentStore, MemoryDisk } from '@facet/extents';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { entryNamed, entryToBe, newName, shownEntry } from '../../src/names/entries.ts';

const caller = { uid: 0, gid: 0, groups: [] };
const KEY_BYTES_MAX = 1024;

let core: Core;
let volume: VolumeId;

beforeEach(async () => {
  const disk = new MemoryDisk({ random: () => 0.5 });
  core = await openCore({
    engine: new MemoryEngine(),
    openExtents: async (lease) => new LocalExtentStore({ disk: disk.mount(), lease }),
    environment: systemEnvironment(),
  });
  await core.accounts.create({ name: 'tester' });
  volume = (await core.volumes.create({ name: 'bucket', owner: 'tester' })).id;
});
afterEach(() => core.close());

async function put(key: string): Promise<void> {
  const bytes = Buffer.from(`of ${key}`);
  const digest = createHash('md5').update(bytes).digest();
  await core.objects.put({
    volume,
    key: Buffer.from(key),
    body: { kind: 'inline', lengthBytes: bytes.length, bytes },
    etag: { digest, parts: 0 },
    properties: {},
    userMetadata: {},
  });
}

const root = () => core.files.root({ volume });

/** As a client does it: by a name that it was shown, and by nothing else. */
async function step(parent: FileAttributes, name: Buffer): Promise<FileAttributes | undefined> {
  const entry = await entryNamed(core.files, { parent, name });
  return entry && (await core.files.lookup({ caller, ...entry })).file;
}

/** What each file holds, by the names on the way to it; directories end in a slash. */
async function walk(directory: FileAttributes, path = ''): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const { entries } = await core.files.readdir({
    caller,
    directory,
    after: 0,
    limit: 4096,
    attributes: false,
  });
  expect(entries.slice(0, 2).map(({ name }) => `${name}`)).toEqual(['.', '..']);
  for (const entry of entries.slice(2)) {
    const shown = shownEntry(entry);
    const file = await step(directory, shown);
    expect(file?.inode).toBe(entry.inode);
    if (!file) continue;
    const at = `${path}${shown}`;
    if (file.type === 'directory') {
      found.set(`${at}/`, '');
      for (const inner of await walk(file, `${at}/`)) found.set(...inner);
    } else {
      const { data } = await core.files.read({ caller, file, offset: 0, lengthBytes: 4096 });
      found.set(at, `${Buffer.concat(data)}`);
    }
  }
  return found;
}

const segment = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'b', '.', '..', '', '@s3=', '@s3file=a', '@s3=.', 'a\0b') },
  {
    weight: 1,
    arbitrary: fc.string({ unit: 'binary', maxLength: 5 }).map((text) => text.replaceAll('/', '')),
  },
  { weight: 1, arbitrary: fc.integer({ min: 235, max: 300 }).map((count) => 'é'.repeat(count / 2)) },
);
const keys = fc
  .array(segment, { minLength: 1, maxLength: 4 })
  .map((segments) => segments.join('/'))
  .filter((key) => key.length > 0 && Buffer.byteLength(key) <= KEY_BYTES_MAX);

it('every key is a file', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(keys, { maxLength: 8 }), async (some) => {
      for (const key of some) await put(key);
      const found = await walk(await root());
      const texts = [...found.values()].filter((text) => text !== '');
      expect(texts.toSorted()).toEqual(some.map((key) => `of ${key}`).toSorted());
      for (const key of some) await core.objects.delete({ volume, key: Buffer.from(key) });
      expect(await walk(await root())).toEqual(new Map());
    }),
    { numRuns: 150 },
  );
});

it('is what the documentation says it is', async () => {
  const long = 'x'.repeat(300);
  const digest = createHash('sha256').update(long).digest('hex').slice(0, 32);
  for (const key of [
    'report',
    'a',
    'a/b',
    'd//e',
    'd/',
    'g/',
    '/f',
    './g',
    '../h',
    '@s3file=i',
    long,
    `${long}/j`,
  ])
    await put(key);
  const part = (mark: string) => `${mark}${'x'.repeat(255 - mark.length - 33)}~${digest}`;
  expect([...(await walk(await root())).keys()].toSorted()).toEqual(
    [
      'report',
      'a/',
      'a/b',
      '@s3file=a',
      'd/',
      'd/@s3file=',
      'g/',
      'g/@s3=',
      'd/@s3=/',
      'd/@s3=/e',
      '@s3=/',
      '@s3=/f',
      '@s3=./',
      '@s3=./g',
      '@s3=../',
      '@s3=../h',
      '@s3=@s3file=i',
      `${part('@s3long=')}/`,
      `${part('@s3long=')}/j`,
      part('@s3longfile='),
    ].toSorted(),
  );
});

it('what is shown can be removed and renamed by that name', async () => {
  const odd = ['a', 'a/b', '//', '.', '..', '@s3=', 'x'.repeat(300), 'n\0'];
  for (const key of odd) await put(key);
  const parent = await root();
  const { entries } = await core.files.readdir({
    caller,
    directory: parent,
    after: 2,
    limit: 100,
    attributes: false,
  });
  let count = 0;
  for (const entry of entries) {
    const from = await entryNamed(core.files, { parent, name: shownEntry(entry) });
    count += 1;
    const to = await entryToBe(core.files, { parent, name: Buffer.from(`plain ${count}`) });
    expect(from).toBeDefined();
    if (from) await core.files.rename({ caller, from, to });
  }
  const names = [...(await walk(parent)).keys()].filter((path) => !path.slice(0, -1).includes('/'));
  expect(names.every((name) => /^plain \d\/?$/.test(name))).toBe(true);
  expect(names.length).toBe(entries.length);
});

it('a rename over a name that is shown goes over what it stands for', async () => {
  await put('.');
  await put('new');
  const parent = await root();
  const to = await entryToBe(core.files, { parent, name: Buffer.from('@s3=.') });
  await core.files.rename({ caller, from: { parent, name: Buffer.from('new') }, to });
  expect(await walk(parent)).toEqual(new Map([['@s3=.', 'of new']]));
});

it('a mark makes no new name, save before one that looks like a mark', async () => {
  expect(newName(Buffer.from('@s3=@s3=x'))).toEqual(Buffer.from('@s3=x'));
  expect(newName(Buffer.from('@s3x'))).toEqual(Buffer.from('@s3x'));
  for (const name of ['@s3=x', '@s3file=x', '@s3long=x', `@s3long=x~${'0'.repeat(32)}`]) {
    expect(() => newName(Buffer.from(name))).toThrow(expect.objectContaining({ code: 'Invalid' }));
  }
  expect(() => newName(Buffer.alloc(256, 'x'))).toThrow(expect.objectContaining({ code: 'NameTooLong' }));
  const parent = await root();
  const at = { parent, name: Buffer.from(`@s3long=x~${'0'.repeat(32)}`) };
  expect(await entryNamed(core.files, at)).toBe(undefined);
  await expect(entryToBe(core.files, at)).rejects.toMatchObject({ code: 'Invalid' });
});

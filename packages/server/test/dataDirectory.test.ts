import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { facet, serve, stop, temporaryDirectory } from './facetProcess.ts';
import { canBeMortal, mortal } from './mortal.ts';
import { put } from './s3.ts';

const ports = ['--s3', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--nfs', '127.0.0.1:0'];

test('is made with those above it', async () => {
  const data = join(temporaryDirectory(), 'deep', 'down');
  await stop(await serve({ data }));
  expect(existsSync(join(data, 'LOCK'))).toBe(true);
});

describe('that cannot be made is refused at once, and said why', () => {
  test.each([
    // Its parent exists, and mkdir says that something does not.
    ['/proc/facet-data', 'nothing can be made there'],
    ['/proc/1/facet-data/below', 'nothing can be made there'],
    [join(process.execPath, 'x', 'y'), 'is a file and no directory'],
    [process.execPath, 'is a file and no directory'],
    [`/tmp/${'x'.repeat(300)}`, 'the name is too long'],
  ])('%s', async (data, reason) => {
    const end = await facet(['serve', '--data', data, ...ports]);
    expect(end).toMatchObject({ code: 1, stdout: '' });
    expect(end.stderr).toContain(`cannot use ${data} as a data directory`);
    expect(end.stderr).toContain(reason);
  });

  test('a link to nowhere', async () => {
    const data = join(temporaryDirectory(), 'link');
    spawnSync('ln', ['-s', '/nowhere/at/all', data]);
    expect((await facet(['serve', '--data', data, ...ports])).stderr).toContain(`cannot use ${data}`);
  });
});

describe.skipIf(!canBeMortal)('that may not be read is not taken for one without a store', () => {
  test.each([['volume', 'list'], ['key', 'list'], ['fsck'], ['serve', ...ports]])(
    'facet %s',
    async (...words) => {
      const data = temporaryDirectory();
      await stop(await serve({ data }));
      chmodSync(data, 0o000);
      onTestFinished(() => chmodSync(data, 0o700));
      const end = await facet([...words, '--json', '--data', data], { under: mortal });
      expect(end).toMatchObject({ code: 1, stdout: '' });
      expect(JSON.parse(end.stderr).error).toMatchObject({ code: 'UnusableDirectory', exitCode: 1 });
      expect(end.stderr).toContain('permission denied');
    },
  );

  test('nor is one whose lock is somebody else’s', async () => {
    const data = temporaryDirectory();
    await stop(await serve({ data }));
    chmodSync(join(data, 'LOCK'), 0o000);
    expect((await facet(['volume', 'list', '--data', data], { under: mortal })).stderr).toContain(
      'permission denied',
    );
  });
});

test('a folder in place of the lock, and then a file', async () => {
  const data = temporaryDirectory();
  mkdirSync(join(data, 'LOCK'));
  expect((await facet(['fsck', '--data', data])).stderr).toContain('a directory that should be a file');
  rmSync(join(data, 'LOCK'), { recursive: true });
  writeFileSync(join(data, 'LOCK'), '');
  expect((await facet(['volume', 'list', '--data', data])).code).toBe(0);
});

describe('what is in it and can not be used is told by its name, and left as it is', () => {
  const places: readonly [name: string, kind: 'file' | 'directory'][] = [
    ['LOCK', 'file'],
    ['meta', 'directory'],
    ['meta/data.mdb', 'file'],
    ['meta/lock.mdb', 'file'],
    ['meta/0.journal', 'file'],
    ['meta/1.journal', 'file'],
    ['meta/ballast', 'file'],
    ['extents', 'directory'],
    ['root-credentials.json', 'file'],
    ['nfs-handle-key.json', 'file'],
    ['admin.json', 'file'],
  ];
  const commands = [['serve', ...ports], ['volume', 'list'], ['fsck']];

  /** Of which there is everything. */
  const template = mkdtempSync(join(tmpdir(), 'facet-server-'));
  beforeAll(async () => {
    const server = await serve({ data: template, defer: () => undefined });
    await put(server, '/bucket');
    await put(server, '/bucket/object', { body: 'x'.repeat(5000) });
    cpSync(join(template, 'admin.json'), join(template, 'left'));
    await stop(server);
    renameSync(join(template, 'left'), join(template, 'admin.json'));
  });
  afterAll(() => rmSync(template, { recursive: true }));

  const copied = (name: string) => {
    const data = temporaryDirectory();
    cpSync(template, data, { recursive: true });
    const path = join(data, name);
    expect(existsSync(path), name).toBe(true);
    return { data, path };
  };

  test.each(places)('%s, which is to be a %s, is of the other kind', async (name, kind) => {
    const { data, path } = copied(name);
    rmSync(path, { recursive: true });
    if (kind === 'file') mkdirSync(path);
    else writeFileSync(path, '');
    const left = readdirSync(data, { recursive: true });
    const other = kind === 'file' ? 'directory' : 'file';
    for (const words of commands) {
      const end = await facet([...words, '--data', data]);
      const said = `facet: cannot use ${data} as a data directory: ${path} is a ${other} that should be a ${kind}: move it away\n`;
      expect([end.code, end.stdout, end.stderr]).toEqual([1, '', said]);
    }
    expect(readdirSync(data, { recursive: true })).toEqual(left);
  });

  test('admin.json is a pipe, which nobody waits for', async () => {
    const { data, path } = copied('admin.json');
    rmSync(path);
    spawnSync('mkfifo', [path]);
    for (const words of commands)
      expect((await facet([...words, '--data', data])).stderr).toContain(
        `${path} is something else that should be a file`,
      );
  });

  test.skipIf(!canBeMortal).each(places.filter(([name]) => name !== 'admin.json'))(
    '%s may not be read',
    async (name) => {
      const { data, path } = copied(name);
      chmodSync(path, 0o000);
      onTestFinished(() => chmodSync(path, 0o700));
      for (const words of commands) {
        const end = await facet([...words, '--data', data], { under: mortal });
        expect([end.code, end.stdout]).toEqual([1, '']);
        expect(end.stderr).toMatch(/^facet: cannot use .* as a data directory: permission denied: .*\n$/);
        expect(end.stderr).toContain(`'${path}`);
      }
    },
  );

  test.skipIf(!canBeMortal)(
    'an admin.json that may not be read is written anew; of a server it is told',
    async () => {
      const { data, path } = copied('admin.json');
      chmodSync(path, 0o000);
      const server = await serve({ data, under: mortal });
      expect((await facet(['volume', 'list', '--data', data], { under: mortal })).code).toBe(0);
      chmodSync(path, 0o000);
      const end = await facet(['volume', 'list', '--data', data], { under: mortal });
      expect([end.code, end.stderr]).toEqual([
        5,
        expect.stringContaining(`who runs this may not read ${path}`),
      ]);
      await stop(server);
    },
  );
});

describe('a store is made in no place of others', () => {
  test.each(['LOCK', 'photo.jpg', 'meta2'])('where there is %s', async (name) => {
    const data = temporaryDirectory();
    writeFileSync(join(data, name), '');
    writeFileSync(join(data, 'another'), '');
    const end = await facet(['serve', '--data', data, ...ports]);
    expect([end.code, end.stdout]).toEqual([2, '']);
    expect(end.stderr).toContain(`cannot use ${data} as a data directory: it holds no store, but`);
    for (const words of [['fsck'], ['volume', 'list']]) {
      const { code, stderr } = await facet([...words, '--data', data]);
      expect([code, stderr]).toEqual([
        3,
        expect.stringContaining(`there is no store in ${data}: name another`),
      ]);
    }
    expect(readdirSync(data).sort()).toEqual([name, 'another'].sort());
  });

  test('a file system’s own folder, and what a first start left that was cut short, are none', async () => {
    const data = temporaryDirectory();
    mkdirSync(join(data, 'lost+found'));
    for (const name of ['LOCK', 'root-credentials.json.123.new']) writeFileSync(join(data, name), '');
    mkdirSync(join(data, 'meta'));
    await stop(await serve({ data }));
    // Nor does a store that is there mind what somebody puts beside it, nor the loss of its lock.
    writeFileSync(join(data, 'note'), '');
    rmSync(join(data, 'LOCK'));
    expect((await facet(['volume', 'list', '--data', data])).code).toBe(0);
    await stop(await serve({ data }));
  });
});

test.each([
  ['its folder, too', true],
  ['its files', false],
])('metadata that is lost is told of, and nothing is made: %s', async (_name, folder) => {
  const data = temporaryDirectory();
  const server = await serve({ data });
  await put(server, '/lost');
  await put(server, '/lost/object', { body: 'x'.repeat(400_000) });
  await stop(server);
  rmSync(join(data, 'meta'), { recursive: true });
  if (!folder) mkdirSync(join(data, 'meta'));
  const left = readdirSync(data, { recursive: true });
  for (const words of [['fsck'], ['serve', ...ports], ['volume', 'list']]) {
    const end = await facet([...words, '--data', data, '--json']);
    expect([end.code, end.stdout]).toEqual([6, '']);
    expect(JSON.parse(end.stderr).error).toMatchObject({
      code: 'Corrupt',
      message: expect.stringMatching(
        /^there is no metadata, but containers up to 00\/0{12}[\da-f]+ with data/,
      ),
    });
  }
  expect(readdirSync(data, { recursive: true })).toEqual(left);
});

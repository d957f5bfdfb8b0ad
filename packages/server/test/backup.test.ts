import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  cpSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { openSharedLock, openStoreLock } from '../src/store/lock.ts';
import {
  facet,
  facetJson,
  type RunningServer,
  serve,
  startFacet,
  stop,
  temporaryDirectory,
} from './facetProcess.ts';
import { presign } from './presign.ts';
import { noSmallDisk, smallDisk } from './smallDisk.ts';

const ROOT = { accessKeyId: 'ROOTKEY1', secretAccessKey: 'ROOTSECRET1' };
const environment = {
  FACET_ROOT_ACCESS_KEY: ROOT.accessKeyId,
  FACET_ROOT_SECRET_KEY: ROOT.secretAccessKey,
};
const FAST = ['--rate', '10G'];
const report = z.object({
  id: z.string(),
  copiedBytes: z.number(),
  copiedContainers: z.number(),
  bytes: z.number(),
  damaged: z.array(z.unknown()),
});

const ask = (server: RunningServer, method: 'GET' | 'PUT' | 'DELETE', path: string, body?: string) =>
  fetch(presign(method, `${server.serving.s3.url}${path}`, ROOT), {
    method,
    ...(body === undefined ? {} : { body }),
  });

async function put(server: RunningServer, path: string, body?: string): Promise<void> {
  const answer = await ask(server, 'PUT', path, body);
  expect([answer.status, await answer.text()]).toEqual([200, '']);
}

async function bodyOf(server: RunningServer, path: string): Promise<string> {
  const answer = await ask(server, 'GET', path);
  expect(answer.status, path).toBe(200);
  return answer.text();
}

/** Turns a bit of a file. */
function rot(file: string, position: number): void {
  const descriptor = openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  readSync(descriptor, byte, 0, 1, position);
  writeSync(descriptor, Buffer.of((byte[0] ?? 0) ^ 4), 0, 1, position);
  closeSync(descriptor);
}

const filesBelow = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(folder, name)).isFile())
    .toSorted();

async function storeWithObjects(data: string): Promise<RunningServer> {
  const server = await serve({ data, environment });
  await put(server, '/vol');
  for (let at = 0; at < 30; at += 1) await put(server, `/vol/small${at}`, `${at}`.repeat(5_000));
  for (let at = 0; at < 6; at += 1) await put(server, `/vol/large${at}`, `${at}`.repeat(2_000_000));
  return server;
}

test('a backup of a served store has all that was acknowledged before, and its restore serves it', async () => {
  const data = temporaryDirectory();
  const to = join(temporaryDirectory(), 'backups');
  const server = await storeWithObjects(data);
  let going = true;
  let written = 0;
  const writers = [0, 1].map(async (own) => {
    while (going) {
      const letter = String.fromCharCode(97 + (written % 26));
      await put(server, `/vol/changing${own}`, letter.repeat(100_000));
      await put(server, `/vol/new${written}`, `new${written}`);
      written += 1;
      await ask(server, 'DELETE', `/vol/small${20 + (written % 10)}`);
    }
  });
  const first = await facetJson(report, ['backup', '--data', data, '--to', to, ...FAST]);
  const second = await facetJson(report, ['backup', '--data', data, '--to', to, ...FAST]);
  going = false;
  await Promise.all(writers);
  expect(written).toBeGreaterThan(0);
  expect(first.copiedBytes).toBeGreaterThan(12_000_000);
  // Nothing of what the first one has.
  expect(second.copiedBytes).toBeLessThan(second.bytes - 12_000_000);
  expect([first.damaged, second.damaged]).toEqual([[], []]);
  for (const name of filesBelow(to)) expect(statSync(join(to, name)).mode & 0o777, name).toBe(0o600);
  await stop(server);

  for (const id of [first.id, second.id]) {
    const again = join(temporaryDirectory(), 'again');
    const restored = await facet(['restore', '--from', to, '--backup', id, '--data', again]);
    expect([restored.code, restored.stderr]).toEqual([0, '']);
    expect(restored.stdout).toMatch(
      /^restored backup .*\ncompared .*\nlooked at 1 volume, .*\nread .*\nno damage\n$/,
    );
    for (const name of ['root-credentials.json', 'nfs-handle-key.json']) {
      expect(readFileSync(join(again, name))).toEqual(readFileSync(join(data, name)));
      expect(statSync(join(again, name)).mode & 0o777).toBe(0o600);
    }
    const copy = await serve({ data: again, environment });
    for (let at = 0; at < 6; at += 1)
      expect(await bodyOf(copy, `/vol/large${at}`)).toBe(`${at}`.repeat(2_000_000));
    for (let at = 0; at < 20; at += 1)
      expect(await bodyOf(copy, `/vol/small${at}`)).toBe(`${at}`.repeat(5_000));
    const changing = await ask(copy, 'GET', '/vol/changing0');
    if (changing.status === 200) expect(await changing.text()).toMatch(/^(.)\1{99999}$/);
    await put(copy, '/vol/after', 'x'.repeat(300_000));
    expect((await stop(copy)).code).toBe(0);
    expect((await facet(['fsck', '--full', '--data', again])).code).toBe(0);
  }
  const refused = await facet(['restore', '--from', to, '--data', data]);
  expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining('is not empty')]);
});

test('backups are listed and the oldest removed, also of a store that nobody serves', async () => {
  const data = temporaryDirectory();
  const to = join(temporaryDirectory(), 'backups');
  const none = await facet(['backup', '--list', '--to', to]);
  const advice = "name a directory that 'facet backup --to' has written to\n";
  expect([none.code, none.stderr]).toEqual([3, `facet: ${to} does not exist: ${advice}`]);
  const empty = temporaryDirectory();
  for (const words of [
    ['backup', '--list', '--to', empty],
    ['restore', '--from', empty, '--data', to],
  ]) {
    const { code, stderr } = await facet(words);
    expect([code, stderr]).toEqual([3, `facet: there are no backups in ${empty}: ${advice}`]);
  }
  await stop(await storeWithObjects(data));
  const ids: string[] = [];
  for (let at = 0; at < 3; at += 1) {
    const more = ['--keep', '2', ...FAST];
    ids.push((await facetJson(report, ['backup', '--data', data, '--to', to, ...more])).id);
  }
  const listed = z.object({ backups: z.array(z.object({ id: z.string() })) });
  const { backups } = await facetJson(listed, ['backup', '--list', '--to', to]);
  expect(backups.map(({ id }) => id)).toEqual(ids.slice(1));
  expect((await facet(['backup', '--list', '--to', to])).stdout).toContain(ids[2]);
  const missing = ['restore', '--from', to, '--backup', ids[0] ?? '', '--data', join(data, 'x')];
  expect((await facet(missing)).code).toBe(3);
  const taken = temporaryDirectory();
  writeFileSync(join(taken, 'another'), '');
  expect((await facet(['backup', '--data', data, '--to', taken])).code).toBe(4);
  expect(existsSync(join(taken, 'LOCK'))).toBe(false);
  expect((await facet(['backup', '--data', data, '--to', '/nowhere/at/all'])).stderr).toContain(
    'the directory above it does not exist',
  );
});

test('neither of store and backups may lie within the other, whatever leads there', async () => {
  const data = temporaryDirectory();
  const server = await storeWithObjects(data);
  const link = join(temporaryDirectory(), 'link');
  symlinkSync(data, link);
  const refused = async (words: readonly string[]) => {
    const { code, stderr } = await facet([...words, ...(words[0] === 'backup' ? FAST : [])]);
    expect([code, stderr]).toEqual([2, expect.stringContaining(': name one that is outside of it')]);
  };
  const inside = [data, join(data, 'backups'), join(data, 'extents'), join(link, 'new')];
  for (const to of inside) await refused(['backup', '--data', data, '--to', to]);
  expect((await stop(server)).code).toBe(0);
  for (const to of inside) await refused(['backup', '--data', link, '--to', to]);
  expect(existsSync(join(data, 'backups'))).toBe(false);
  expect(existsSync(join(data, 'new'))).toBe(false);

  const to = join(temporaryDirectory(), 'backups');
  expect((await facet(['backup', '--data', data, '--to', to, ...FAST])).code).toBe(0);
  const toLink = join(temporaryDirectory(), 'link');
  symlinkSync(to, toLink);
  await refused(['restore', '--from', to, '--data', join(toLink, 'again')]);
  await refused(['restore', '--from', to, '--data', to]);
  expect(existsSync(join(to, 'again'))).toBe(false);
});

test('a link in the place of a file of a backup is not written to, nor what it leads to', async () => {
  const data = temporaryDirectory();
  const to = join(temporaryDirectory(), 'backups');
  const server = await storeWithObjects(data);
  expect((await facet(['backup', '--data', data, '--to', to, ...FAST])).code).toBe(0);
  const segment = filesBelow(join(to, 'containers')).find((name) => name.endsWith('.seg')) ?? '';
  rmSync(join(to, 'containers', segment));
  // The store's own, which is being written to.
  symlinkSync(join(data, 'extents', segment), join(to, 'containers', segment));
  await put(server, '/vol/after', 'after'.repeat(10_000));
  const refused = await facet(['backup', '--data', data, '--to', to, ...FAST]);
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining('is a symbolic link')]);
  expect(await bodyOf(server, '/vol/after')).toBe('after'.repeat(10_000));
  await stop(server);
  expect((await facet(['fsck', '--full', '--data', data])).code).toBe(0);
  // Nor a folder that leads into the store.
  rmSync(join(to, 'containers'), { recursive: true });
  symlinkSync(join(data, 'extents'), join(to, 'containers'));
  const nested = await facet(['backup', '--data', data, '--to', to, ...FAST]);
  expect([nested.code, nested.stderr]).toEqual([2, expect.stringContaining('lies in the data directory')]);
  expect((await facet(['fsck', '--full', '--data', data])).code).toBe(0);
});

/** Of one store, that is not served. */
async function twoBackups() {
  const data = temporaryDirectory();
  const to = join(temporaryDirectory(), 'backups');
  await stop(await storeWithObjects(data));
  const ids: string[] = [];
  for (let at = 0; at < 2; at += 1)
    ids.push((await facetJson(report, ['backup', '--data', data, '--to', to, ...FAST])).id);
  return { data, to, ids };
}

test('a list tells which backups are damaged, and of the others what they are', async () => {
  const { data, to, ids } = await twoBackups();
  rot(join(to, 'backups', `${ids[0]}.manifest`), 60);
  const { code, stdout } = await facet(['backup', '--list', '--to', to]);
  expect(code).toBe(6);
  expect(stdout).toMatch(new RegExp(`${ids[0]} +damaged +damaged\\n${ids[1]} +[0-9.]+ KiB +0 bytes\\n`));
  expect(stdout).toContain(`the backup is damaged: backups/${ids[0]}.manifest: `);
  // It stays for now: what only it has is not known.
  const kept = await facet(['backup', '--data', data, '--to', to, '--keep', '3', ...FAST]);
  expect([kept.code, kept.stderr]).toEqual([
    6,
    expect.stringMatching(
      /backup \w+ was made, but those before it could not be removed: the backup is damaged/,
    ),
  ]);
  const later = await facet(['backup', '--data', data, '--to', to, '--keep', '2', ...FAST]);
  expect([later.code, later.stdout]).toEqual([0, expect.stringContaining('removed 2 backups')]);
});

test('a check reads all that backups have, finds what rotted since, and writes nothing', async () => {
  const { data, to, ids } = await twoBackups();
  const whole = await facet(['backup', '--check', '--to', to]);
  expect([whole.code, whole.stderr]).toEqual([0, '']);
  expect(whole.stdout).toBe(
    `backup ${ids[0]}: whole\nbackup ${ids[1]}: whole\n${/^read .*$/m.exec(whole.stdout)?.[0]}\nno damage\n`,
  );
  const ext = filesBelow(join(to, 'containers')).find((name) => name.endsWith('.ext')) ?? '';
  rot(join(to, 'containers', ext), 1_000_000);
  rot(join(to, 'backups', `${ids[1]}.metadata`), 500);
  const hurt = await facet(['backup', '--check', '--to', to]);
  expect(hurt.code).toBe(6);
  expect(hurt.stdout).toContain(`damaged: containers/${ext}, `);
  expect(hurt.stdout).toContain(`backup ${ids[0]}: 1 place of its data damaged\n`);
  expect(hurt.stdout).toContain(`backup ${ids[1]}: the backup is damaged: backups/${ids[1]}.metadata: `);
  const json = await facet(['backup', '--check', '--json', '--to', to]);
  expect([json.code, JSON.parse(json.stdout)]).toMatchObject([
    6,
    { damaged: true, backups: [{ id: ids[0] }, {}] },
  ]);
  expect((await facet(['backup', '--check', '--list', '--to', to])).code).toBe(2);
  expect((await facet(['backup', '--check', '--to', data])).code).toBe(3);
});

test('nothing is removed while somebody reads, and nobody reads while something is removed', async () => {
  const { data, to, ids } = await twoBackups();
  const reader = openSharedLock(join(to, 'LOCK'));
  expect(reader.tryLock('instances', 'shared')).toBe(true);
  const kept = await facet(['backup', '--data', data, '--to', to, '--keep', '1', ...FAST]);
  expect([kept.code, kept.stderr]).toEqual([
    5,
    expect.stringMatching(
      /backup \w+ was made, but those before it could not be removed: .* in use by another process, which reads of it: wait/,
    ),
  ]);
  const check = await facet(['backup', '--check', '--to', to]);
  expect([check.code, check.stdout]).toEqual([0, expect.stringContaining(`backup ${ids[0]}: whole\n`)]);
  reader.close();

  const remover = openStoreLock(join(to, 'LOCK'));
  expect(remover.tryLock('instances', 'exclusive')).toBe(true);
  for (const words of [
    ['backup', '--check', '--to', to],
    ['backup', '--list', '--to', to],
    ['restore', '--from', to, '--data', join(temporaryDirectory(), 'back')],
  ]) {
    const { code, stderr } = await facet(words);
    const why = `${to} is in use by another process, which removes old backups: wait until it has ended`;
    expect([code, stderr]).toEqual([5, expect.stringContaining(why)]);
  }
  remover.close();
  const last = await facet(['backup', '--data', data, '--to', to, '--keep', '1', ...FAST]);
  expect([last.code, last.stdout]).toEqual([0, expect.stringContaining('removed 3 backups')]);
});

test('a restore says what of a backup is damaged and whose it is, and makes nothing without metadata', async () => {
  const data = temporaryDirectory();
  const to = join(temporaryDirectory(), 'backups');
  await stop(await storeWithObjects(data));
  const { id } = await facetJson(report, ['backup', '--data', data, '--to', to, ...FAST]);
  const containers = filesBelow(join(to, 'containers'));

  const large = temporaryDirectory();
  cpSync(to, large, { recursive: true });
  const ext = containers.find((name) => name.endsWith('.ext')) ?? '';
  rot(join(large, 'containers', ext), 1_000_000);
  const back = join(temporaryDirectory(), 'back');
  const hurt = await facet(['restore', '--from', large, '--data', back]);
  expect(hurt.code).toBe(6);
  expect(hurt.stdout).toContain(`damaged: containers/${ext} of the backup`);
  expect(hurt.stdout).toMatch(/damaged: container 00\/\w+\.ext at 0: .*: bytes of vol\/large\d\n/);
  const server = await serve({ data: back, environment });
  const isWhole = (at: number): Promise<boolean> =>
    ask(server, 'GET', `/vol/large${at}`)
      .then((answer) => answer.text())
      .then(
        (body) => body === `${at}`.repeat(2_000_000),
        () => false,
      );
  const whole = await Promise.all([0, 1, 2, 3, 4, 5].map(isWhole));
  expect(whole.filter((one) => one)).toHaveLength(5);
  await stop(server);

  for (const [file, position] of [
    [`backups/${id}.metadata`, 500],
    [`backups/${id}.manifest`, 60],
  ] as const) {
    const bad = temporaryDirectory();
    cpSync(to, bad, { recursive: true });
    rot(join(bad, file), position);
    const nowhere = join(temporaryDirectory(), 'nowhere');
    const end = await facet(['restore', '--from', bad, '--data', nowhere]);
    expect([end.code, end.stdout]).toEqual([6, '']);
    expect(end.stderr).toContain(`the backup is damaged: ${file}`);
    expect(existsSync(nowhere)).toBe(false);
    // Nor is anything added to such a one.
    if (!file.endsWith('.metadata'))
      expect((await facet(['backup', '--data', data, '--to', bad, ...FAST])).code).toBe(6);
  }
});

describe('what is cut short', () => {
  test('a backup that its own Ctrl-C ends is no error of the server', async () => {
    const data = temporaryDirectory();
    const server = await storeWithObjects(data);
    const to = join(temporaryDirectory(), 'backups');
    const interrupted = startFacet(['backup', '--data', data, '--to', to, '--rate', '1M']);
    await server.wrote('stderr', /a backup begins/);
    interrupted.child.kill('SIGINT');
    expect((await interrupted.ended).code).toBe(1);
    await server.wrote('stderr', /"level":30.*the backup was cancelled/);
    expect(server.stderr()).not.toContain('the backup failed');
    expect((await stop(server)).code).toBe(0);
  });

  test('a server that is killed while it backs up leaves the backups that were there', async () => {
    const data = temporaryDirectory();
    const to = join(temporaryDirectory(), 'backups');
    const server = await storeWithObjects(data);
    const first = await facetJson(report, ['backup', '--data', data, '--to', to, ...FAST]);
    for (let at = 0; at < 4; at += 1) await put(server, `/vol/more${at}`, 'm'.repeat(3_000_000));
    const cut = startFacet(['backup', '--data', data, '--to', to, '--rate', '1M']);
    await server.wrote('stderr', /a backup begins[\s\S]*a backup begins/);
    while (filesBelow(to).length < 12) await new Promise((resolve) => setTimeout(resolve, 20));
    await stop(server, 'SIGKILL');
    expect((await cut.ended).code).toBe(1);
    const back = join(temporaryDirectory(), 'back');
    expect((await facet(['restore', '--from', to, '--data', back])).stdout).toContain(first.id);
    const next = await facetJson(report, ['backup', '--data', data, '--to', to, ...FAST]);
    expect(next.copiedBytes).toBeGreaterThan(12_000_000);
    const again = join(temporaryDirectory(), 'again');
    expect((await facet(['restore', '--from', to, '--data', again])).code).toBe(0);
  });

  test('a restore that is killed is no store, and one that is interrupted leaves nothing', async () => {
    const data = temporaryDirectory();
    const to = join(temporaryDirectory(), 'backups');
    await stop(await storeWithObjects(data));
    await facet(['backup', '--data', data, '--to', to, ...FAST]);
    const back = join(temporaryDirectory(), 'back');
    const killed = startFacet(['restore', '--from', to, '--data', back]);
    while (!existsSync(join(back, 'meta.restoring'))) await new Promise((resolve) => setTimeout(resolve, 2));
    killed.child.kill('SIGKILL');
    await killed.ended;
    expect(existsSync(join(back, 'meta'))).toBe(false);
    for (const words of [['serve', '--s3', '127.0.0.1:0'], ['volume', 'list'], ['fsck']]) {
      const end = await facet([...words, '--data', back]);
      expect([end.code, end.stderr]).toEqual([1, expect.stringContaining('a restore into it was cut short')]);
    }
    expect((await facet(['restore', '--from', to, '--data', back])).code).toBe(4);
    const other = join(temporaryDirectory(), 'other');
    const interrupted = startFacet(['restore', '--from', to, '--data', other]);
    while (!existsSync(join(other, 'meta.restoring'))) await new Promise((resolve) => setTimeout(resolve, 2));
    interrupted.child.kill('SIGINT');
    const end = await interrupted.ended;
    expect([end.code, existsSync(other)]).toEqual([1, false]);
  });

  test.skipIf(noSmallDisk())('a target that is full keeps what it has', async () => {
    const disk = await smallDisk({ megabytes: 24 });
    const data = temporaryDirectory();
    const to = join(disk.path, 'backups');
    const { under } = disk;
    await stop(await storeWithObjects(data));
    const first = await facetJson(report, ['backup', '--data', data, '--to', to, ...FAST], { under });
    const server = await serve({ data, environment });
    for (let at = 0; at < 6; at += 1) await put(server, `/vol/more${at}`, 'm'.repeat(3_000_000));
    await stop(server);
    const full = await facet(['backup', '--data', data, '--to', to, ...FAST], { under });
    expect([full.code, full.stderr]).toEqual([1, expect.stringContaining('its disk is full')]);
    const back = join(temporaryDirectory(), 'back');
    const restored = await facet(['restore', '--from', to, '--data', back], { under });
    expect([restored.code, restored.stdout]).toEqual([0, expect.stringContaining(first.id)]);
    const beside = join(disk.path, 'beside');
    const noRoom = await facet(['restore', '--from', to, '--data', beside], { under });
    expect([noRoom.code, noRoom.stderr]).toEqual([
      1,
      expect.stringMatching(/no room for metadata in .*beside|cannot use .*beside.*: the disk is full/),
    ]);
    expect(existsSync(join(disk.seen, 'beside'))).toBe(false);
  });
});

test('a directory that can only be read is restored from', async () => {
  const data = temporaryDirectory();
  const to = join(temporaryDirectory(), 'backups');
  await stop(await storeWithObjects(data));
  await facet(['backup', '--data', data, '--to', to, ...FAST]);
  for (const name of filesBelow(to)) chmodSync(join(to, name), 0o400);
  const back = join(temporaryDirectory(), 'back');
  expect((await facet(['restore', '--from', to, '--data', back])).code).toBe(0);
});

test.skipIf(noSmallDisk())('a restore says why where nothing can be written', async () => {
  const data = temporaryDirectory();
  const to = join(temporaryDirectory(), 'backups');
  await stop(await storeWithObjects(data));
  expect((await facet(['backup', '--data', data, '--to', to, ...FAST])).code).toBe(0);
  const { path, under } = await smallDisk({ megabytes: 4 });
  const [program = '', ...words] = [...under, 'mount', '-o', 'remount,ro', path];
  expect(spawnSync(program, words)).toMatchObject({ status: 0 });
  for (const place of [path, join(path, 'below')]) {
    const { code, stderr } = await facet(['restore', '--from', to, '--data', place], { under });
    const why = `cannot use ${place} as a data directory: the file system is read-only`;
    expect([code, stderr]).toEqual([1, expect.stringContaining(why)]);
  }
});

test('a directory that somebody took meanwhile is left as it is', async () => {
  const data = temporaryDirectory();
  const server = await storeWithObjects(data);
  expect((await stop(server)).code).toBe(0);
  const to = join(temporaryDirectory(), 'backups');
  expect((await facet(['backup', '--to', to, '--data', data, ...FAST])).code).toBe(0);
  const taken = temporaryDirectory();
  const lock = openStoreLock(join(taken, 'LOCK'));
  expect(lock.tryLock('owner', 'exclusive')).toBe(true);
  expect((await facet(['restore', '--from', to, '--data', taken])).code).toBe(5);
  expect(readdirSync(taken)).toEqual(['LOCK']);
  lock.close();
  expect((await facet(['restore', '--from', to, '--data', taken])).code).toBe(0);
});

/** Where backups may lie and be restored to. */

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openStoreLock } from '../../src/store/lock.ts';
import { facet, stop, temporaryDirectory } from '../facetProcess.ts';
import { canBeMortal, mortal } from '../mortal.ts';
import { noSmallDisk, smallDisk } from '../smallDisk.ts';
import { bodyOf, FAST, filesBelow, put, storeWithObjects } from './store.ts';

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

test('a server takes no mistake of who asks for a backup for an error of its own', async () => {
  const data = temporaryDirectory();
  const server = await storeWithObjects(data);
  const full = temporaryDirectory();
  writeFileSync(join(full, 'photo.jpg'), '');
  const missing = join(full, 'nowhere', 'backups');
  for (const [to, code] of [
    [join(data, 'backups'), 2],
    [full, 4],
    [missing, 3],
  ] as const)
    expect((await facet(['backup', '--data', data, '--to', to, ...FAST])).code).toBe(code);
  expect((await facet(['compact', '--data', data])).code).toBe(0);
  expect((await stop(server)).code).toBe(0);
  const lines = server.stderr().split('\n');
  const refusals = lines.filter((line) => line.includes('the backup was refused'));
  expect(refusals).toHaveLength(3);
  for (const line of refusals) expect(line).toMatch(/^\{"level":30,/);
  expect(refusals[2]).toContain(
    `"reason":"the directory of backups ${missing} can not be made: the directory above it does not exist"`,
  );
  expect(server.stderr()).not.toMatch(/"level":50|stack|9007199254740991/);
});

test.skipIf(!canBeMortal)('whoever may not read backups is told so', async () => {
  const to = join(temporaryDirectory(), 'backups');
  mkdirSync(to, { mode: 0o000 });
  onTestFinished(() => chmodSync(to, 0o700));
  const why = `facet: may not read the directory of backups ${to}: run this as its owner, who alone may read what backups hold\n`;
  for (const words of [
    ['restore', '--from', to, '--data', join(temporaryDirectory(), 'back')],
    ['backup', '--list', '--to', to],
  ]) {
    const { code, stderr } = await facet(words, { under: mortal });
    expect([code, stderr]).toEqual([1, why]);
  }
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

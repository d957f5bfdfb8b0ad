import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { facet, facetJson, serve, stop, temporaryDirectory } from '../facetProcess.ts';
import { ask, bodyOf, environment, FAST, filesBelow, put, report, storeWithObjects } from './store.ts';

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

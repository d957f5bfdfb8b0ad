/** Backups that rotted. */

import { cpSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { facet, facetJson, serve, stop, temporaryDirectory } from '../facetProcess.ts';
import { ask, environment, FAST, filesBelow, report, rot, storeWithObjects, twoBackups } from './store.ts';

test('a list tells which backups are damaged, and of the others what they are', async () => {
  const { data, to, ids } = await twoBackups();
  rot(join(to, 'backups', `${ids[0]}.manifest`), 60);
  const { code, stdout } = await facet(['backup', '--list', '--to', to]);
  expect(code).toBe(6);
  expect(stdout).toMatch(
    new RegExp(`${ids[0]} +damaged +damaged +damaged\\n${ids[1]} +[0-9.]+ KiB +1[12]\\.\\d MiB +0 bytes\\n`),
  );
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

test('a backup of damaged data is never called whole', async () => {
  const data = temporaryDirectory();
  const to = join(temporaryDirectory(), 'backups');
  await stop(await storeWithObjects(data));
  const ext = filesBelow(join(data, 'extents')).find((name) => name.endsWith('.ext')) ?? '';
  rot(join(data, 'extents', ext), 1_000_000);
  const { code } = await facet(['backup', '--data', data, '--to', to, ...FAST]);
  expect(code).toBe(6);
  const has = 'has 1 place of data damaged in the store when it was made\n';
  const listed = await facet(['backup', '--list', '--to', to]);
  expect([listed.code, listed.stdout]).toEqual([
    6,
    expect.stringMatching(new RegExp(`\\nbackup \\w+ ${has}$`)),
  ]);
  const checked = await facet(['backup', '--check', '--to', to]);
  expect([checked.code, checked.stdout]).toEqual([6, expect.stringContaining(`: as it was made; it ${has}`)]);
  expect(checked.stdout).toMatch(
    /\nDAMAGED in the store when they were made: all else of these can be restored\n$/,
  );
});

test('a check of a directory where no backup was ever completed does not pass', async () => {
  const to = join(temporaryDirectory(), 'backups');
  const interrupted = await twoBackups();
  cpSync(interrupted.to, to, { recursive: true });
  rmSync(join(to, 'backups'), { recursive: true });
  const { code, stdout, stderr } = await facet(['backup', '--check', '--to', to]);
  expect([code, stdout, stderr]).toEqual([
    3,
    '',
    `facet: no backup was ever completed in ${to}, or none is left: there is nothing to restore\n`,
  ]);
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

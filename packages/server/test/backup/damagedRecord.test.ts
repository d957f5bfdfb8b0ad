/** A record of the metadata that rotted: backups go on without it. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { facet, serve, stop, temporaryDirectory } from '../facetProcess.ts';
import { ask, bodyOf, environment, FAST, put, rot } from './store.ts';

test('a backup tells of the record, keeps older ones that have it, and what is restored lacks that alone', async () => {
  const data = temporaryDirectory();
  const to = join(temporaryDirectory(), 'backups');
  const first = await serve({ data, environment });
  const bytes = 'bytes that lie in the metadata';
  for (const path of ['/vol', '/vol/rotten', '/vol/sound'])
    await put(first, path, path === '/vol' ? undefined : path.replace('/vol/rotten', bytes));
  expect((await stop(first)).code).toBe(0);
  const backUp = (...more: readonly string[]) =>
    facet(['backup', '--data', data, '--to', to, ...FAST, ...more]);
  expect((await backUp()).code).toBe(0);
  const file = join(data, 'meta', 'data.mdb');
  const metadata = readFileSync(file);
  for (let at = metadata.indexOf(bytes); at >= 0; at = metadata.indexOf(bytes, at + 1)) rot(file, at + 3);

  const hurt = await backUp('--keep', '1');
  expect(hurt.stdout).toMatch(/^damaged: metadata record 14[0-9a-f]+ \(inline\)\nbackup /);
  expect(hurt.stdout).toMatch(
    /removed 0 backups, .*\nDAMAGED in the store: 1 place; all else is in the backup\n$/,
  );
  expect(hurt.code).toBe(6);
  const lacks = 'lacks 1 metadata record, damaged in the store when it was made';
  const listed = await facet(['backup', '--list', '--to', to]);
  expect([listed.code, listed.stdout]).toEqual([
    6,
    expect.stringMatching(new RegExp(`backup \\w+ ${lacks}\\n$`)),
  ]);
  const checked = await facet(['backup', '--check', '--to', to]);
  expect([checked.code, checked.stdout]).toEqual([
    6,
    expect.stringContaining(`: as it was made; it ${lacks}\n`),
  ]);

  const back = join(temporaryDirectory(), 'back');
  const restored = await facet(['restore', '--from', to, '--data', back]);
  expect(restored.stdout).toMatch(
    /^damaged: metadata record 14[0-9a-f]+ \(inline\), when the backup was made\n/,
  );
  expect(restored.stdout).toMatch(/\ninlineMissing: /);
  expect(restored.code).toBe(6);
  const server = await serve({ data: back, environment });
  expect((await ask(server, 'GET', '/vol/rotten')).status).toBe(500);
  expect(await bodyOf(server, '/vol/sound')).toBe('/vol/sound');
  expect((await stop(server)).code).toBe(0);

  const [id = ''] = /\d{8}T\d{6}Z/.exec(listed.stdout) ?? [];
  const older = join(temporaryDirectory(), 'older');
  const whole = await facet(['restore', '--from', to, '--data', older, '--backup', id]);
  expect([whole.code, whole.stderr]).toEqual([0, '']);
  const again = await serve({ data: older, environment });
  expect(await bodyOf(again, '/vol/rotten')).toBe(bytes);
  expect((await stop(again)).code).toBe(0);
});

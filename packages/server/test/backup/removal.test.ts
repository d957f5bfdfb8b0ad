/** Who reads backups while old ones are removed. */

import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openSharedLock, openStoreLock } from '../../src/store/lock.ts';
import { facet, serve, stop, temporaryDirectory } from '../facetProcess.ts';
import { bodyOf, environment, FAST, put, twoBackups } from './store.ts';

test('old backups are removed without one being made, and those that are named', async () => {
  const { data, to, ids } = await twoBackups();
  const listed = async () => (await facet(['backup', '--list', '--to', to])).stdout.match(/\d{8}T\d{6}Z/g);
  const dataless = ['backup', '--to', to];
  for (const [words, why] of [
    [['--prune'], '--prune needs --keep N'],
    [['--list', '--keep', '1'], '--keep does nothing with --list: --prune --keep N removes old backups'],
    [['--check', '--keep', '1'], '--keep does nothing with --check'],
    [['--remove', ids[0] ?? '', '--keep', '1'], '--keep does nothing with --remove'],
    [['--check', '--prune', '--keep', '1'], '--check and --prune do not go together'],
  ] as const) {
    const refused = await facet([...dataless, ...words]);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining(why)]);
  }
  expect(await listed()).toEqual(ids);
  const pruned = await facet([...dataless, '--prune', '--keep', '1']);
  expect([pruned.code, pruned.stdout]).toEqual([0, expect.stringMatching(/^removed 1 backup, and /)]);
  expect(await listed()).toEqual(ids.slice(1));
  const missing = await facet([...dataless, '--remove', ids[0] ?? '']);
  expect([missing.code, missing.stderr]).toEqual([
    3,
    expect.stringContaining(`there is no backup ${ids[0]}`),
  ]);
  const nowhere = join(to, 'nowhere');
  expect((await facet(['backup', '--to', nowhere, '--prune', '--keep', '1'])).code).toBe(3);
  expect(existsSync(nowhere)).toBe(false);
  expect((await facet([...dataless, '--remove', ids[1] ?? ''])).code).toBe(0);
  expect((await facet(['backup', '--data', data, '--to', to, ...FAST])).code).toBe(0);
});

test('a directory that a copy of the store took over goes on once what the copy made is removed', async () => {
  const { data, to } = await twoBackups();
  const backUp = (from: string) => facet(['backup', '--data', from, '--to', to, ...FAST]);
  const restored = join(temporaryDirectory(), 'restored');
  expect((await facet(['restore', '--from', to, '--data', restored])).code).toBe(0);
  const refused = await backUp(restored);
  expect([refused.code, refused.stderr]).toEqual([4, expect.stringContaining('was restored from a backup')]);
  expect((await backUp(data)).code).toBe(0);

  const copy = join(temporaryDirectory(), 'copy');
  cpSync(data, copy, { recursive: true });
  const server = await serve({ data: copy, environment });
  await put(server, '/vol/only-in-the-copy', 'c'.repeat(100_000));
  await stop(server);
  for (let at = 0; at < 2; at += 1) expect((await backUp(copy)).code).toBe(0);
  const taken = await backUp(data);
  expect(taken.code).toBe(4);
  const [, advice = ''] =
    /remove what it made: facet (backup --remove .*) \(with the same --to\)/.exec(taken.stderr) ?? [];
  expect((await facet([...advice.split(' '), '--to', to])).stdout).toMatch(/^removed 2 backups/);
  const own = await serve({ data, environment });
  await put(own, '/vol/only-in-the-original', 'o'.repeat(100_000));
  await stop(own);
  expect((await backUp(data)).code).toBe(0);
  const back = join(temporaryDirectory(), 'back');
  expect((await facet(['restore', '--from', to, '--data', back])).code).toBe(0);
  const again = await serve({ data: back, environment });
  expect(await bodyOf(again, '/vol/only-in-the-original')).toBe('o'.repeat(100_000));
  await stop(again);
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

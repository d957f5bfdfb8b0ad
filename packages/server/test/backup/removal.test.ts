/** Who reads backups while old ones are removed. */

import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openSharedLock, openStoreLock } from '../../src/store/lock.ts';
import { facet, temporaryDirectory } from '../facetProcess.ts';
import { FAST, twoBackups } from './store.ts';

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

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { openStoreLock } from '../../src/store/lock.ts';
import { facet, serve, stop, temporaryDirectory } from '../facetProcess.ts';
import { storeWith } from './store.ts';

describe('finding the store', () => {
  test('by FACET_DATA and by a configuration file', async () => {
    const data = await storeWith('no server');
    await facet(['volume', 'create', 'found', '--data', data]);
    const byVariable = await facet(['volume', 'list'], { environment: { FACET_DATA: data } });
    expect(byVariable.stdout).toContain('found');
    const config = join(temporaryDirectory(), 'facet.json');
    writeFileSync(config, JSON.stringify({ data }));
    expect((await facet(['volume', 'list', '--config', config])).stdout).toContain('found');
  });

  test.each([['volume', 'list'], ['key', 'create', '--account', 'a'], ['fsck']])(
    'none there is not an invitation to make one: %s',
    async (...words) => {
      const data = temporaryDirectory();
      const end = await facet([...words, '--data', join(data, 'typo')]);
      expect(end.code).toBe(3);
      expect(end.stderr).toContain(`no store in ${join(data, 'typo')}`);
    },
  );

  test('one that its holder keeps to itself: exit code 5, and by whom', async () => {
    const data = temporaryDirectory();
    mkdirSync(data, { recursive: true });
    const lock = openStoreLock(join(data, 'LOCK'));
    lock.tryLock('owner', 'exclusive');
    lock.describeHolder('a test');
    const end = await facet(['volume', 'list', '--data', data]);
    lock.close();
    expect(end.code).toBe(5);
    expect(end.stderr).toContain('in use by a test');
  });

  test('an address left by a killed server leads nobody astray', async () => {
    const data = temporaryDirectory();
    await stop(await serve({ data }), 'SIGKILL');
    // All at once, so that some find the store held and the address there.
    const ends = await Promise.all([1, 2, 3].map(() => facet(['volume', 'list', '--data', data])));
    expect(ends.map(({ code }) => code)).toEqual([0, 0, 0]);
  });

  test('two commands at once wait for one another', async () => {
    const data = await storeWith('no server');
    const ends = await Promise.all(
      ['one', 'two', 'three'].map((name) => facet(['volume', 'create', name, '--data', data])),
    );
    expect(ends.map(({ code }) => code)).toEqual([0, 0, 0]);
  });
});

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { facet, serve, stop, temporaryDirectory } from './facetProcess.ts';

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

/** Root may read everything, unless it gives that up. */
const mortal =
  process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-dac_override,-dac_read_search'] : ['env'];
const canBeMortal = spawnSync(mortal[0] ?? '', [...mortal.slice(1), 'true']).status === 0;

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

test('a file or a folder in place of the lock', async () => {
  const data = temporaryDirectory();
  mkdirSync(join(data, 'LOCK'));
  expect((await facet(['fsck', '--data', data])).stderr).toContain('a directory that should be a file');
  rmSync(join(data, 'LOCK'), { recursive: true });
  writeFileSync(join(data, 'LOCK'), '');
  expect((await facet(['volume', 'list', '--data', data])).code).toBe(0);
});

/** fsck of a store that lies where nothing can be written. */
import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { facet, serve, stop, temporaryDirectory } from './facetProcess.ts';
import { put } from './s3.ts';
import { noSmallDisk, smallDisk } from './smallDisk.ts';

/** What is run inside a disk that has the store on it. */
async function diskWith(data: string) {
  rmSync(join(data, 'meta', 'ballast'));
  const { path, under } = await smallDisk({ megabytes: 40 });
  const inside = (script: string): void => {
    const [program = '', ...words] = [...under, 'sh', '-ec', script, path, data];
    expect(spawnSync(program, words, { encoding: 'utf8' })).toMatchObject({ status: 0 });
  };
  inside('cp -a "$1/." "$0"');
  return { inside, fsck: () => facet(['fsck', '--data', path, '--json'], { under }) };
}

// This machine may let no user mount a file system of his own.
const noDisk = noSmallDisk() !== undefined;

test.skipIf(noDisk)('fsck says what it needs where nothing can be written', async () => {
  const data = temporaryDirectory();
  await stop(await serve({ data }));
  const { inside, fsck } = await diskWith(data);
  inside('mount -o remount,ro "$0"');
  const refused = await fsck();
  expect([refused.code, refused.stdout]).toEqual([1, '']);
  expect(JSON.parse(refused.stderr).error).toMatchObject({
    code: 'UnusableDirectory',
    message: expect.stringMatching(/its file system is read-only, and opening a store writes.*check a copy/),
  });
  inside('mount -o remount,rw "$0"');
  expect((await fsck()).code).toBe(0);
});

test.skipIf(noDisk)(
  'fsck needs no more room than there was: a full disk does, after a kill as well',
  async () => {
    const data = temporaryDirectory();
    const server = await serve({ data });
    await put(server, '/left');
    for (let key = 0; key < 20; key += 1) await put(server, `/left/${key}`, { body: 'x'.repeat(60_000) });
    await stop(server, 'SIGKILL');
    const { inside, fsck } = await diskWith(data);
    inside('cat /dev/zero >"$0/filler" 2>/dev/null || true');
    const checked = await fsck();
    expect([checked.code, checked.stderr]).toEqual([0, '']);
    expect(JSON.parse(checked.stdout).checked).toMatchObject({ frames: 20 });
  },
);

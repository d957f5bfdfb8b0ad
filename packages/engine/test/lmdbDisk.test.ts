import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';

const run = promisify(execFile);
const script = (name: string) => fileURLToPath(new URL(`processes/${name}`, import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-disk-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Runs `command` in a mount namespace of its own, in which `folder` is a disk of 2 MiB. */
function onSmallDisk(command: string): Promise<{ stdout: string }> {
  const mount = 'mount -t tmpfs -o size=2m none "$0"';
  return run('unshare', [
    '--user',
    '--map-root-user',
    '--mount',
    'sh',
    '-c',
    `${mount} && ${command}`,
    folder,
  ]);
}

const smallDisks = await run('unshare', [
  ...['--user', '--map-root-user', '--mount'],
  ...['mount', '-t', 'tmpfs', 'none', tmpdir()],
]).then(
  () => true,
  () => false,
);

it('refuses what a full disk can not take, keeps the rest, and goes on when there is room', async ({
  skip,
}) => {
  skip(!smallDisks, 'this machine lets no user mount a file system of his own');
  const { stdout } = await onSmallDisk(`exec "${process.execPath}" "${script('fullDisk.ts')}" "$0"`);
  const { kept, refused } = JSON.parse(stdout);
  expect(refused).toBeGreaterThan(10);
  expect(kept).toBeGreaterThan(refused);
});

it('ends when the device fails, without an unhandled rejection', async () => {
  const ignoring = `trap '' XFSZ; exec "${process.execPath}" "${script('failedDevice.ts')}" "$0"`;
  const { stdout } = await run('sh', ['-c', ignoring, folder]);
  expect(JSON.parse(stdout)).toEqual({
    before: 'done',
    writes: ['Failed', 'Failed', 'Failed'],
    after: ['Failed', 'Failed'],
    fatal: ['Failed'],
  });
});

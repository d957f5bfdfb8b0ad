import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, stat } from 'node:fs/promises';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { type Bytes, openLmdbEngine } from '../src/index.ts';
import { bytes, write } from './shorthand.ts';

const run = promisify(execFile);
const SIGKILL = constants.signals.SIGKILL;
const script = (name: string) => fileURLToPath(new URL(`processes/${name}`, import.meta.url));

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'facet-disk-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Runs `command` in a mount namespace of its own, in which `at` is a small disk. */
function onSmallDisk(
  command: string,
  { mebibytes, at }: { readonly mebibytes: number; readonly at: string },
): Promise<{ stdout: string; stderr: string }> {
  const mount = `mount -t tmpfs -o size=${mebibytes}m none "$0"`;
  return run('unshare', ['--user', '--map-root-user', '--mount', 'sh', '-c', `${mount} && ${command}`, at]);
}

const smallDisks = await run('unshare', [
  ...['--user', '--map-root-user', '--mount'],
  ...['mount', '-t', 'tmpfs', 'none', tmpdir()],
]).then(
  () => true,
  () => false,
);

it.for([
  { kind: 'of LMDB alone', mebibytes: 2, options: '' },
  { kind: 'with a journal', mebibytes: 4, options: 'journal' },
])(
  'a store $kind refuses what a full disk can not take, keeps the rest, and goes on when there is room',
  async ({ mebibytes, options }, { skip }) => {
    skip(!smallDisks, 'this machine lets no user mount a file system of his own');
    const command = `exec "${process.execPath}" "${script('fullDisk.ts')}" "$0" ${options}`;
    const { stdout, stderr } = await onSmallDisk(command, { mebibytes, at: folder });
    // lmdb-js would print each failed commit with its stack.
    expect(stderr).not.toMatch(/^ +at /m);
    const { kept, refused } = JSON.parse(stdout);
    expect(refused).toBeGreaterThan(10);
    expect(kept).toBeGreaterThan(refused);
  },
);

it.for([
  { mebibytes: 12, killed: ['100', '60 taken', '7 taken'] },
  { mebibytes: 8, killed: ['100', '300 taken'] },
])(
  'a store that took writes starts again with no room at all on $mebibytes MiB, and has all it acknowledged',
  async ({ mebibytes, killed }, { skip }) => {
    skip(!smallDisks, 'this machine lets no user mount a file system of his own');
    const disk = join(folder, 'disk');
    await mkdir(disk);
    const life = (what: string) =>
      `"${process.execPath}" "${script('takenDisk.ts')}" "$0" "${join(folder, 'model')}" ${what}`;
    const lives = killed.map((what) => `${life(what)}; [ $? = ${128 + SIGKILL} ] || exit 1`);
    const command = `{ ${[...lives, life('0 taken')].join('; ')}; }`;
    const { stdout, stderr } = await onSmallDisk(command, { mebibytes, at: disk });
    expect(JSON.parse(stdout).entries).toBeGreaterThan(1000);
    // What LMDB says of a full disk: it is not to meet one.
    expect(stderr).not.toMatch(/Write error|flushing error/);
  },
);

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

it('tells what deleting made free within its file, and uses it again', async () => {
  const engine = await openLmdbEngine({ path: join(folder, 'store') });
  const entries = Array.from({ length: 2000 }, (_, at): [Bytes, Bytes] => [
    bytes(`key ${at}`),
    Buffer.alloc(1000, at % 256),
  ]);
  await write(engine, entries);
  const { size } = await stat(join(folder, 'store', 'data.mdb'));
  const before = await engine.spareBytes();
  expect(before).toBeLessThan(size / 4);
  await engine.write(function* (tx) {
    for (const [key] of entries.slice(0, 1500)) tx.delete(key);
    return yield* tx.get(bytes('key 0'));
  });
  const spare = await engine.spareBytes();
  expect(spare).toBeGreaterThan(size / 2);
  // The pages of the last two commits are kept for readers and for a crash.
  for (const key of ['a', 'b']) await write(engine, [[bytes(key), bytes('v')]]);
  await write(engine, entries.slice(0, 1000));
  expect(await engine.spareBytes()).toBeLessThan(spare - 500_000);
  // Three values a page: without what was free it would be half as long again.
  expect((await stat(join(folder, 'store', 'data.mdb'))).size).toBeLessThan(1.4 * size);
  await engine.close();
});

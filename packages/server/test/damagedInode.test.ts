/** One bit of one inode's record: what fails, what the log says to do about it, and that this works. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { facet, serve, stop, temporaryDirectory } from './facetProcess.ts';
import { presign } from './presign.ts';

const ROOT = { accessKeyId: 'ROOTKEY1', secretAccessKey: 'ROOTSECRET1' };
const environment = {
  FACET_ROOT_ACCESS_KEY: ROOT.accessKeyId,
  FACET_ROOT_SECRET_KEY: ROOT.secretAccessKey,
};

type Server = Awaited<ReturnType<typeof serve>>;

async function ask(server: Server, method: 'GET' | 'PUT' | 'DELETE', path: string, body?: string) {
  const url = presign(method, `${server.serving.s3.url}${path}`, ROOT);
  const reply = await fetch(url, { method, ...(body !== undefined && { body }) });
  return { status: reply.status, text: await reply.text() };
}

/** A store with three objects: one is inline, one lies in a container. */
async function filled(): Promise<string> {
  const data = temporaryDirectory();
  const server = await serve({ data, environment });
  for (const [path, body] of [
    ['/vol', undefined],
    ['/vol/dir/small', 'bytes that lie inline'],
    ['/vol/dir/large', 'x'.repeat(60_000)],
    ['/vol/other', 'another'],
  ] as const)
    expect((await ask(server, 'PUT', path, body)).status).toBe(200);
  expect((await stop(server)).code).toBe(0);
  return data;
}

/** Flips a bit of each copy that LMDB's file has of an inode's record. */
function rotInode(data: string, inode: number): void {
  const name = join(data, 'meta', 'data.mdb');
  const file = readFileSync(name);
  const key = Buffer.from(`1200000001${inode.toString(16).padStart(16, '0')}`, 'hex');
  let flips = 0;
  for (let at = file.indexOf(key); at >= 0; at = file.indexOf(key, at + 1), flips += 1) {
    const place = at + key.length + 8;
    file[place] = (file[place] ?? 0) ^ 2;
  }
  expect(flips).toBeGreaterThan(0);
  writeFileSync(name, file);
}

/** Inode 1 is the root, 2 the directory. */
const [SMALL, LARGE] = [3, 4];

test('of a file with inline bytes: the log names it and what to do, a repair mends it', async () => {
  const data = await filled();
  rotInode(data, SMALL);
  const server = await serve({ data, environment });
  for (const path of ['/vol/dir/small', '/vol']) {
    const { status, text } = await ask(server, 'GET', path);
    expect([status, text]).toEqual([500, expect.stringContaining('<Code>InternalError</Code>')]);
  }
  expect((await ask(server, 'PUT', '/vol/dir/small', 'again')).status).toBe(500);
  expect((await ask(server, 'GET', '/vol/dir/large')).status).toBe(200);
  const { stderr } = await stop(server);
  for (const names of ['"bucket":"vol","key":"dir/small"', '"bucket":"vol"'])
    expect(stderr).toMatch(
      new RegExp(
        `${names},.*the metadata record 12[0-9a-f]+ \\(inode 3\\) is damaged.*a record of the .*fsck --repair`,
      ),
    );
  expect(stderr).not.toContain('stored bytes are damaged');

  const found = await facet(['fsck', '--data', data]);
  expect(found.stdout).toMatch(/entryWithoutInode: entry "small" of directory 2.*: inode 3 is damaged\n/);
  expect(found.stdout).toContain("'facet fsck --repair --dry-run' tells what of that can be mended\n");
  const tried = await facet(['fsck', '--repair', '--dry-run', '--data', data]);
  expect(tried.stdout).toMatch(
    /would be repaired: .*makes the file anew, since its bytes are there; its attributes and metadata are lost\n/,
  );
  const repaired = await facet(['fsck', '--repair', '--data', data]);
  expect([repaired.code, repaired.stdout]).toEqual([
    0,
    expect.stringMatching(/^repaired: .*makes the file anew, .*\nlooked .*\nrepaired 1\nno damage\n$/),
  ]);
  const again = await serve({ data, environment });
  expect((await ask(again, 'GET', '/vol/dir/small')).text).toBe('bytes that lie inline');
  expect((await ask(again, 'GET', '/vol')).text).toContain('<Key>dir/small</Key>');
  expect((await stop(again)).code).toBe(0);
});

test('of one whose bytes are in a container: what brings the rest back is told, and does', async () => {
  const data = await filled();
  rotInode(data, LARGE);
  const tried = await facet(['fsck', '--repair', '--dry-run', '--data', data]);
  expect(tried.stdout).not.toContain('would be repaired');
  expect(tried.stdout).toMatch(
    /DAMAGED: \d findings, of which nothing can be mended: records of the metadata/,
  );
  const left = await facet(['fsck', '--repair', '--data', data]);
  expect([left.code, left.stdout]).toEqual([
    6,
    expect.stringMatching(/\nrepaired 0\nLEFT: .* mostly be neither written nor deleted.*facet restore/),
  ]);

  const [backups, elsewhere] = [join(temporaryDirectory(), 'backups'), temporaryDirectory()];
  const made = await facet(['backup', '--to', backups, '--data', data]);
  expect([made.code, made.stdout]).toEqual([6, expect.stringContaining('all else is in the backup')]);
  expect((await facet(['restore', '--from', backups, '--data', elsewhere])).code).toBe(6);
  const repaired = await facet(['fsck', '--repair', '--data', elsewhere]);
  expect(repaired.stdout).toMatch(
    /repaired: entryWithoutInode: entry "large" of directory 2.*: removes it\n/,
  );
  // The bytes take room, and nobody knows whose they were.
  expect(repaired.stdout).toMatch(/\nreferenceCountWrong: .*\nrepaired 2 findings: .*\nLEFT: 1 finding,/s);
  const server = await serve({ data: elsewhere, environment });
  const listed = await ask(server, 'GET', '/vol');
  expect(listed.text).toContain('<Key>dir/small</Key>');
  expect(listed.text).not.toContain('<Key>dir/large</Key>');
  expect((await ask(server, 'GET', '/vol/dir/small')).text).toBe('bytes that lie inline');
  expect((await ask(server, 'PUT', '/vol/dir/large', 'again')).status).toBe(200);
  expect((await stop(server)).code).toBe(0);
});

import {
  appendFileSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { facet, serve, stop, temporaryDirectory } from './facetProcess.ts';
import { presign } from './presign.ts';
import { put } from './s3.ts';
import { noSmallDisk, smallDisk } from './smallDisk.ts';

const ROOT = { accessKeyId: 'ROOTKEY1', secretAccessKey: 'ROOTSECRET1' };
const environment = {
  FACET_ROOT_ACCESS_KEY: ROOT.accessKeyId,
  FACET_ROOT_SECRET_KEY: ROOT.secretAccessKey,
};

test('a repair sets aside a file that nothing refers to, logs that, and the store is served as before', async () => {
  const data = temporaryDirectory();
  const first = await serve({ data, environment });
  const url = (server: typeof first, method: 'GET' | 'PUT', path: string) =>
    presign(method, `${server.serving.s3.url}${path}`, ROOT);
  const body = 'x'.repeat(500_000);
  await fetch(url(first, 'PUT', '/vol'), { method: 'PUT' });
  expect((await fetch(url(first, 'PUT', '/vol/key'), { method: 'PUT', body })).status).toBe(200);
  const inUse = await facet(['fsck', '--data', data, '--repair']);
  expect([inUse.code, inUse.stderr]).toEqual([5, expect.stringContaining('stop that first')]);
  expect((await stop(first)).code).toBe(0);
  const folder = join(data, 'extents', '00');
  const name = readdirSync(folder).find((file) => file.endsWith('.ext')) ?? '';
  const stray = '00000000000099.ext';
  copyFileSync(join(folder, name), join(folder, stray));

  expect((await facet(['fsck', '--data', data, '--dry-run'])).code).toBe(2);
  const tried = await facet(['fsck', '--data', data, '--repair', '--dry-run']);
  expect(tried.code).toBe(6);
  expect(tried.stdout).toContain(`would be repaired: counterBehind: `);
  expect(tried.stdout).toContain(`containerWithoutReferent: container 00/${stray}`);
  expect(existsSync(join(data, 'quarantine'))).toBe(false);
  expect(existsSync(join(folder, stray))).toBe(true);

  const repaired = await facet(['fsck', '--data', data, '--repair', '--json']);
  expect(repaired.code).toBe(0);
  expect(JSON.parse(repaired.stdout)).toMatchObject({
    damaged: false,
    findingCount: 0,
    repaired: 2,
    repairs: [{ kind: 'counterBehind' }, { kind: 'containerWithoutReferent' }],
  });
  expect(existsSync(join(folder, stray))).toBe(false);
  const aside = readFileSync(join(data, 'quarantine', `00-${stray}`));
  expect(aside.equals(readFileSync(join(folder, name)))).toBe(true);
  const log = readFileSync(join(data, 'quarantine', 'repairs.jsonl'), 'utf8')
    .trimEnd()
    .split('\n');
  expect(log.map((line) => JSON.parse(line))).toMatchObject([
    { kind: 'counterBehind' },
    { kind: 'containerWithoutReferent', repaired: 'sets it aside, in quarantine/' },
  ]);
  const again = await facet(['fsck', '--data', data, '--repair']);
  expect([again.code, again.stdout]).toEqual([0, expect.stringMatching(/^looked at .*\nno damage\n$/)]);

  const server = await serve({ data, environment });
  expect(await (await fetch(url(server, 'GET', '/vol/key'))).text()).toBe(body);
  expect((await stop(server)).code).toBe(0);
});

test('what lies below extents/ under another name, or in another directory, is set aside from where it lies', async () => {
  const data = temporaryDirectory();
  const server = await serve({ data, environment });
  await put(server, '/vol', { as: ROOT });
  await put(server, '/vol/key', { as: ROOT, body: 'x'.repeat(500_000) });
  expect((await stop(server)).code).toBe(0);
  const extents = join(data, 'extents');
  mkdirSync(join(extents, '7f'));
  mkdirSync(join(extents, 'notes', 'old'), { recursive: true });
  const strays = ['7f/00000000003fc1.seg', '00/stray.ext', 'notes/old/text'];
  for (const path of strays) writeFileSync(join(extents, path), path);
  // None of these is a file that could be a container.
  writeFileSync(join(extents, '80'), '');
  mkdirSync(join(extents, '00', '000000000000fe.ext'));
  symlinkSync('/nowhere', join(extents, '00', '000000000000ff.seg'));
  // There is one of that name already.
  mkdirSync(join(data, 'quarantine'));
  writeFileSync(join(data, 'quarantine', '00-stray.ext'), 'older');

  const checked = await facet(['fsck', '--data', data]);
  expect(checked.code).toBe(6);
  expect(checked.stdout).toContain(
    'strayFile: file 7f/00000000003fc1.seg: its name is that of 3f/00000000003fc1.seg, in another directory',
  );
  const repaired = await facet(['fsck', '--data', data, '--repair']);
  expect([repaired.code, repaired.stderr]).toEqual([0, '']);
  expect(repaired.stdout).toMatch(/\nrepaired 6 findings: [^\n]*\nno damage\n$/);
  const aside = (name: string) => readFileSync(join(data, 'quarantine', name), 'utf8');
  expect(aside('7f-00000000003fc1.seg')).toBe(strays[0]);
  expect(aside('00-stray.ext.2')).toBe(strays[1]);
  expect(aside('00-stray.ext')).toBe('older');
  expect(aside('notes/old/text')).toBe(strays[2]);
  expect(aside('80')).toBe('');
  expect(readdirSync(join(data, 'quarantine', '00-000000000000fe.ext'))).toEqual([]);
  expect(readlinkSync(join(data, 'quarantine', '00-000000000000ff.seg'))).toBe('/nowhere');

  // What may be the only copy of bytes in use is only told of.
  const name = readdirSync(join(extents, '00')).find((file) => file.endsWith('.ext')) ?? '';
  renameSync(join(extents, '00', name), join(extents, '7f', name));
  const moved = await facet(['fsck', '--data', data, '--repair']);
  expect(moved.code).toBe(6);
  expect(moved.stdout).toContain(`strayFile: file 7f/${name}: its name is that of 00/${name}, `);
  expect(moved.stdout).toContain('that is missing: move it there, and look again');
  // So does a link that leads nowhere at the moment.
  const elsewhere = join(temporaryDirectory(), name);
  symlinkSync(elsewhere, join(extents, '00', name));
  renameSync(join(extents, '7f', name), `${elsewhere}.away`);
  const dangling = await facet(['fsck', '--repair', '--data', data]);
  expect([dangling.code, dangling.stdout]).toEqual([
    6,
    expect.stringContaining('that is missing: bring the file back, and look again'),
  ]);
  renameSync(`${elsewhere}.away`, elsewhere);
  expect((await facet(['fsck', '--full', '--data', data])).code).toBe(0);
});

test('what is in the place of quarantine/, or of the log in it, is told in words, and nothing is moved', async () => {
  const data = temporaryDirectory();
  await stop(await serve({ data, environment }));
  const stray = join(data, 'extents', 'stray');
  mkdirSync(join(data, 'extents'), { recursive: true });
  writeFileSync(stray, '');
  writeFileSync(join(data, 'quarantine'), 'somebody’s');
  for (const more of [[], ['--dry-run']]) {
    const refused = await facet(['fsck', '--repair', '--data', data, ...more]);
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringMatching(/quarantine is no directory, .*: move it away\n$/),
    ]);
  }
  expect(existsSync(stray)).toBe(true);
  rmSync(join(data, 'quarantine'));
  mkdirSync(join(data, 'quarantine', 'repairs.jsonl'), { recursive: true });
  const unlogged = await facet(['fsck', '--repair', '--data', data]);
  expect([unlogged.code, unlogged.stderr]).toEqual([1, expect.stringContaining('What it did is done')]);
  rmSync(join(data, 'quarantine', 'repairs.jsonl'), { recursive: true });
  expect((await facet(['fsck', '--repair', '--data', data])).code).toBe(0);
});

test.skipIf(noSmallDisk())('a full disk that has a ballast keeps a repair from nothing', async () => {
  const disk = await smallDisk({ megabytes: 16 });
  const data = join(disk.path, 'data');
  const extents = join(disk.seen, 'data', 'extents');
  const { under } = disk;
  await stop(await serve({ data, environment, under }));
  mkdirSync(extents, { recursive: true });
  for (const name of ['one', 'two']) writeFileSync(join(extents, name), '');
  const filler = join(disk.seen, 'filler');
  expect(() => {
    for (;;) appendFileSync(filler, Buffer.alloc(4096));
  }).toThrow('ENOSPC');
  const repaired = await facet(['fsck', '--repair', '--data', data], { under });
  expect([repaired.code, repaired.stderr]).toEqual([0, '']);
  expect(repaired.stdout).toContain('repaired 2 findings: 2 strayFile\n');
  const log = readFileSync(join(disk.seen, 'data', 'quarantine', 'repairs.jsonl'), 'utf8');
  expect(log.match(/strayFile/g)).toHaveLength(2);
});

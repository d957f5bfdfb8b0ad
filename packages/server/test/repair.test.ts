import { copyFileSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { facet, serve, stop, temporaryDirectory } from './facetProcess.ts';
import { presign } from './presign.ts';

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
  expect([again.code, again.stdout]).toEqual([0, expect.stringMatching(/repaired 0\nno damage\n$/)]);

  const server = await serve({ data, environment });
  expect(await (await fetch(url(server, 'GET', '/vol/key'))).text()).toBe(body);
  expect((await stop(server)).code).toBe(0);
});

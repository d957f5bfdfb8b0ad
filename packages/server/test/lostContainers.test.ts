import { readdirSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type RunningServer, serve, stop, temporaryDirectory } from './facetProcess.ts';
import { presign } from './presign.ts';

const ROOT = { accessKeyId: 'ROOTKEY1', secretAccessKey: 'ROOTSECRET1' };
const environment = {
  FACET_ROOT_ACCESS_KEY: ROOT.accessKeyId,
  FACET_ROOT_SECRET_KEY: ROOT.secretAccessKey,
};

const ask = (server: RunningServer, method: 'GET' | 'PUT', path: string, body?: string) =>
  fetch(presign(method, `${server.serving.s3.url}${path}`, ROOT), {
    method,
    ...(body === undefined ? {} : { body }),
  });

test('a start tells of files that are gone or cut short, and serves the rest', async () => {
  const data = temporaryDirectory();
  const first = await serve({ data, environment });
  await ask(first, 'PUT', '/lost');
  // One after the other, so that the files are in the order of the keys.
  for (const key of ['a', 'b', 'c']) await ask(first, 'PUT', `/lost/${key}`, key.repeat(300_000));
  await stop(first);
  expect(first.stderr()).not.toContain('extents are lost');

  const folder = join(data, 'extents');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ext'))
    .toSorted();
  const [gone = '', cut = ''] = files;
  expect(files).toHaveLength(3);
  rmSync(join(folder, gone));
  truncateSync(join(folder, cut), 100_000);

  const second = await serve({ data, environment });
  await second.wrote('stderr', /extents are lost.*\n/);
  const line = second
    .stderr()
    .split('\n')
    .find((one) => one.includes('extents are lost'));
  const nameOf = (file: string) => file.replace('.ext', '');
  expect(JSON.parse(line ?? '')).toMatchObject({
    level: 50,
    missing: { count: 1, files: [nameOf(gone)] },
    cutShort: { count: 1, files: [nameOf(cut)] },
  });
  const ready = await fetch(`${second.serving.admin.url}/health/ready`);
  expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready', lostContainers: 2 }]);
  const statuses = ['a', 'b', 'c'].map(async (key) => (await ask(second, 'GET', `/lost/${key}`)).status);
  expect(await Promise.all(statuses)).toEqual([500, 500, 200]);
  expect((await stop(second)).code).toBe(0);
});

import { openSync, readdirSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { facet, serve, startFacet, stop, temporaryDirectory } from './facetProcess.ts';
import { put } from './s3.ts';

const ROOT = { accessKeyId: 'ROOTKEY1', secretAccessKey: 'ROOTSECRET1' };
const environment = {
  FACET_ROOT_ACCESS_KEY: ROOT.accessKeyId,
  FACET_ROOT_SECRET_KEY: ROOT.secretAccessKey,
};

/** Flips a bit in the middle of a file. */
function rot(file: string, position: number): void {
  const descriptor = openSync(file, 'r+');
  const byte = Buffer.alloc(1);
  readSync(descriptor, byte, 0, 1, position);
  writeSync(descriptor, Buffer.from([(byte[0] ?? 0) ^ 4]), 0, 1, position);
}

test('a scrub finds rot while the store is served, and when it is not, and says whose bytes it is', async () => {
  const data = temporaryDirectory();
  const server = await serve({ data, environment });
  await put(server, '/vol', { as: ROOT });
  for (const key of ['a', 'b', 'c d'])
    await put(server, `/vol/${encodeURIComponent(key)}`, { as: ROOT, body: key.repeat(400_000) });
  await put(server, '/vol/small', { as: ROOT, body: 'x'.repeat(10_000) });

  const clean = await facet(['scrub', '--data', data]);
  expect([clean.code, clean.stdout]).toEqual([
    0,
    expect.stringMatching(/^read 1\.9 MiB in 4 extents, \d+ metadata records\nno damage\n$/),
  ]);

  const folder = join(data, 'extents');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ext'))
    .toSorted();
  rot(join(folder, files[2] ?? ''), 200_000);
  const served = await facet(['scrub', '--data', data, '--rate', '1G']);
  expect(served.code).toBe(6);
  expect(served.stdout).toContain(`damaged: container ${files[2]} at 0: `);
  expect(served.stdout).toContain(': bytes of "vol/c d"\n');
  expect(served.stdout).toContain('DAMAGED: 1 place\n');
  expect((await stop(server)).code).toBe(0);

  const resting = await facet(['scrub', '--data', data, '--json']);
  expect(resting.code).toBe(6);
  expect(JSON.parse(resting.stdout)).toMatchObject({
    complete: true,
    damagedCount: 1,
    damaged: [{ objects: [{ volume: 'vol', key: 'c d' }] }],
  });
});

test('a scrub does not keep a server from stopping, and ends with the server or its own Ctrl-C', async () => {
  const data = temporaryDirectory();
  const server = await serve({ data, environment });
  await put(server, '/vol', { as: ROOT });
  for (let at = 0; at < 4; at += 1)
    await put(server, `/vol/${at}`, { as: ROOT, body: 'x'.repeat(5_000_000) });

  const interrupted = startFacet(['scrub', '--data', data, '--rate', '1M']);
  await server.wrote('stderr', /a scrub begins/);
  interrupted.child.kill('SIGINT');
  const ended = await interrupted.ended;
  expect([ended.code, ended.stderr]).toEqual([
    1,
    'facet: the scrub was ended before it had looked at everything\n',
  ]);
  await server.wrote('stderr', /"level":30.*the scrub was cancelled/);

  const left = startFacet(['scrub', '--data', data, '--rate', '1M']);
  await server.wrote('stderr', /the scrub was cancelled[\s\S]*a scrub begins/);
  const began = Date.now();
  const stopped = await stop(server);
  expect([stopped.code, stopped.stderr]).toEqual([0, expect.not.stringContaining('"level":50')]);
  expect(Date.now() - began).toBeLessThan(15_000);
  expect((await left.ended).code).toBe(1);
});

test('its rate is at least 1M', async () => {
  const refused = await facet(['scrub', '--data', temporaryDirectory(), '--rate', '1000']);
  expect([refused.code, refused.stdout]).toEqual([2, '']);
  expect(refused.stderr).toContain('It must be 1M at least.');
});

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { facet, serve, startFacet, stop, temporaryDirectory } from './facetProcess.ts';

/** Every write to it fails with ENOSPC. */
const FULL = '/dev/full';
const into = (redirections: string) => ['sh', '-c', `exec "$0" "$@" ${redirections}`];

test.each(['0', '1'])('a server of %s workers whose log is on a full disk serves on', async (workers) => {
  const data = temporaryDirectory();
  const flags = ['--log-level', 'trace', '--access-log', 'on', '--workers', workers];
  const server = await serve({ data, flags, under: into(`2>${FULL}`) });
  for (let at = 0; at < 3; at += 1) {
    expect((await fetch(`${server.serving.admin.url}/health/ready`)).status).toBe(200);
    expect((await fetch(`${server.serving.s3.url}/vol`)).status).toBe(403);
  }
  expect((await stop(server)).code).toBe(0);
});

test('a server that can not tell where it listens serves, and a command whose result is lost has failed', async () => {
  const data = temporaryDirectory();
  const ports = ['--s3', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--nfs', 'off'];
  const server = startFacet(['serve', '--data', data, '--json', ...ports], { under: into(`>${FULL}`) });
  await server.wrote('stderr', /what listens where could not be told[\s\S]*"serving"/);
  expect(existsSync(join(data, 'admin.json'))).toBe(true);
  const list = ['volume', 'list', '--data', data];
  const lost = await facet(list, { under: into(`>${FULL}`) });
  expect([lost.code, lost.stderr]).toEqual([1, expect.stringContaining('could not be written: ENOSPC')]);
  // Nobody is there to want it.
  expect((await facet(list, { under: into('>&-') })).code).toBe(0);
  expect((await stop(server)).code).toBe(0);
});

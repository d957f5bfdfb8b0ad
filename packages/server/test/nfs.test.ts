/** The NFS door of a server that runs as a process of its own. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { XdrWriter } from '@facet/gateway-nfs';
import { expect, onTestFinished, test } from 'vitest';
import {
  type Credentials,
  facet,
  madeCredentials,
  type RunningServer,
  serve,
  stop,
  temporaryDirectory,
} from './facetProcess.ts';
import { NfsClient, STATUS } from './nfsClient.ts';
import { presign } from './presign.ts';

const PORTMAP = 100_000;
const GETPORT = 3;
const [TCP, UDP] = [6, 17];

async function connect(port: number | undefined): Promise<NfsClient> {
  if (port === undefined) throw new Error('there is no NFS door');
  const client = await NfsClient.connect(port);
  onTestFinished(() => client.close());
  return client;
}

const s3 = (
  { serving }: RunningServer,
  as: Credentials,
  method: 'GET' | 'PUT',
  path: string,
  body?: string,
): Promise<Response> =>
  fetch(presign(method, `${serving.s3.url}${path}`, as), { method, ...(body === undefined ? {} : { body }) });

test('what one door writes the other reads, and a handle outlives the server', async () => {
  const data = temporaryDirectory();
  const first = await serve({ data });
  const root = madeCredentials(first);
  await s3(first, root, 'PUT', '/photos');
  await s3(first, root, 'PUT', '/photos/dir/by-s3', 'from S3');
  const nfs = await connect(first.serving.nfs?.port);
  const mounted = await nfs.mount('/photos');
  expect(mounted.status).toBe(STATUS.OK);
  const directory = await nfs.lookup(mounted.handle, 'dir');
  const file = await nfs.lookup(directory.handle, 'by-s3');
  expect(await nfs.read(file.handle)).toBe('from S3');
  const made = await nfs.create(directory.handle, 'by-nfs');
  expect(await nfs.write(made.handle, 'from NFS')).toBe(STATUS.OK);
  expect(await (await s3(first, root, 'GET', '/photos/dir/by-nfs')).text()).toBe('from NFS');
  await stop(first);

  const second = await serve({ data });
  const again = await connect(second.serving.nfs?.port);
  expect(await again.read(file.handle)).toBe('from S3');
  expect(statSync(join(data, 'nfs-handle-key.json')).mode & 0o777).toBe(0o600);
  await stop(second);

  const keyFile = join(data, 'nfs-handle-key.json');
  const kept = readFileSync(keyFile, 'utf8');
  writeFileSync(keyFile, '{}');
  const spoilt = await facet(['serve', '--data', data, '--s3', '127.0.0.1:0', '--admin', '127.0.0.1:0']);
  expect([spoilt.code, spoilt.stderr]).toEqual([
    1,
    expect.stringContaining('nfs-handle-key.json is not readable'),
  ]);
  writeFileSync(keyFile, kept);
});

test('an export that is changed while it is mounted counts from the next call', async () => {
  const data = temporaryDirectory();
  const server = await serve({ data });
  await facet(['volume', 'create', 'photos', '--data', data]);
  const nfs = await connect(server.serving.nfs?.port);
  const { handle } = await nfs.mount('/photos');
  // No extent was ever written, and there is room all the same.
  const room = await nfs.fsstat(handle);
  expect(room.freeBytes).toBeGreaterThan(0n);
  expect(room.totalBytes).toBeGreaterThanOrEqual(room.freeBytes);
  expect(await nfs.mkdir(handle, 'before')).toBe(STATUS.OK);
  await facet(['export', 'set', 'photos', '--read-only', '--data', data]);
  expect(await nfs.mkdir(handle, 'after')).toBe(STATUS.ROFS);
  await facet(['export', 'set', 'photos', '--clients', '10.0.0.0/8', '--data', data]);
  expect(await nfs.getattr(handle)).toBe(STATUS.ACCES);
  expect((await nfs.mount('/photos')).status).toBe(STATUS.ACCES);
});

test('what S3 cannot show is counted and named', async () => {
  const data = temporaryDirectory();
  const server = await serve({ data });
  await facet(['volume', 'create', 'photos', '--data', data]);
  const show = async (...more: string[]) =>
    (await facet(['volume', 'show', 'photos', '--data', data, ...more])).stdout;
  expect(await show()).not.toContain('unshown');
  const nfs = await connect(server.serving.nfs?.port);
  let { handle } = await nfs.mount('/photos');
  const name = 'd'.repeat(255);
  for (let depth = 0; depth < 4; depth += 1) {
    expect(await nfs.mkdir(handle, name)).toBe(STATUS.OK);
    ({ handle } = await nfs.lookup(handle, name));
  }
  await nfs.create(handle, 'deep');
  expect(JSON.parse(await show('--json')).unshown).toEqual({
    files: 1,
    directories: 0,
    paths: [`${name}/${'d'.repeat(44)}…${'d'.repeat(39)}/${name}/deep`],
    complete: true,
  });
  expect(await show()).toMatch(/\nunshown {3}files 1, directories 0: .*\n {10}ddd.*\/deep\n$/);
});

test('a port mapper of its own knows where everything is', async () => {
  const server = await serve({ data: temporaryDirectory(), flags: ['--portmap', '127.0.0.1:0'] });
  const { nfs, portmap } = { nfs: server.serving.nfs?.port, portmap: server.serving.nfs?.portmap };
  if (typeof portmap !== 'object') throw new Error('there is no port mapper');
  // Clients ask port 111 and no other.
  expect(server.serving.nfs?.mountOptions).toContain('nolock');
  const mapper = await connect(portmap.port);
  const ask = async (program: number, version: number, protocol: number): Promise<number> => {
    const args = new XdrWriter().uint32(program).uint32(version).uint32(protocol).uint32(0);
    return (await mapper.call({ program: PORTMAP, version: 2, procedure: GETPORT }, args)).uint32();
  };
  for (const [program, version] of [
    [100_003, 3],
    [100_005, 3],
    [100_021, 4],
    [100_024, 1],
  ] as const) {
    expect([program, await ask(program, version, TCP)]).toEqual([program, nfs]);
  }
  for (const program of [100_005, 100_021]) expect(await ask(program, 4, UDP)).toBe(nfs);
  expect(await ask(100_003, 3, UDP)).toBe(0);
});

test('it need not be, and its port may be taken', async () => {
  const without = await serve({ data: temporaryDirectory(), flags: ['--nfs', 'off'] });
  expect(without.serving.nfs).toBe(undefined);
  const doors = ['--s3', '127.0.0.1:0', '--admin', '127.0.0.1:0'];
  const taken = `127.0.0.1:${without.serving.s3.port}`;
  const end = await facet(['serve', '--data', temporaryDirectory(), ...doors, '--nfs', taken]);
  expect([end.code, end.stderr]).toEqual([
    1,
    expect.stringContaining(`cannot listen on --nfs ${taken}: something listens there already`),
  ]);
});

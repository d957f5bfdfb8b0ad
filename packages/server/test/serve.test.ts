import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  type Credentials,
  facet,
  madeCredentials,
  serve,
  startFacet,
  stop,
  temporaryDirectory,
} from './facetProcess.ts';
import { s3 } from './s3.ts';

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8);

describe('what it says', () => {
  test('where it listens: the ports are those really bound', async () => {
    const data = temporaryDirectory();
    const server = await serve({ data });
    const { serving } = server;
    expect(serving.dataDirectory).toBe(data);
    expect(serving.pid).toBe(server.child.pid);
    expect(serving.s3.port).toBeGreaterThan(0);
    expect((await fetch(serving.s3.url)).status).toBe(403);
    expect((await fetch(`${serving.admin.url}/health/live`)).status).toBe(200);
  });

  const toPeople = (data: string) => [
    ...['serve', '--data', data],
    ...['--s3', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--nfs', '127.0.0.1:0'],
  ];
  const kept = (data: string): Credentials =>
    JSON.parse(readFileSync(join(data, 'root-credentials.json'), 'utf8'));

  test('to a pipe or a file: doors, examples, and where the secret is, which they read', async () => {
    const data = temporaryDirectory();
    const server = startFacet(toPeople(data));
    await server.wrote('stdout', /mount -t nfs .*\n/);
    const { accessKeyId, secretAccessKey } = kept(data);
    const said = server.stdout();
    expect(said).toMatch(/NFS +127\.0\.0\.1:\d+ +every volume as \/NAME\n/);
    expect(said).toMatch(/sudo mount -t nfs -o vers=3,.*,nolock 127\.0\.0\.1:\/demo \/mnt\n/);
    expect(said).toContain(
      `Root access key ${accessKeyId}: its secret is in ${join(data, 'root-credentials.json')}\n`,
    );
    expect(said + server.stderr()).not.toContain(secretAccessKey);
    const exports = said.match(/^ {2}export AWS_.*$/gm) ?? [];
    const shown = 'echo "$AWS_ACCESS_KEY_ID $AWS_SECRET_ACCESS_KEY"';
    expect(execFileSync('sh', ['-c', [...exports, shown].join('\n')], { encoding: 'utf8' })).toBe(
      `${accessKeyId} ${secretAccessKey}\n`,
    );
  });

  const terminals = spawnSync('script', ['-qefc', 'true', '/dev/null'], { stdio: 'ignore' }).status === 0;

  // Needs `script`, which starts a command on a terminal.
  test.skipIf(!terminals)('to a terminal: the secret, too, the first time it is one', async () => {
    const data = temporaryDirectory();
    const onTerminal = ['sh', '-c', 'exec script -qefc "exec $*" /dev/null', 'sh'];
    const saidBy = async (under: readonly string[]): Promise<string> => {
      const started = startFacet(toPeople(data), { under });
      await started.wrote('stdout', /mount -t nfs .*\r?\n/);
      process.kill(Number(/\(pid (\d+)\)/.exec(started.stdout())?.[1]));
      const { stdout, stderr } = await started.ended;
      return stdout + stderr;
    };
    const piped = await saidBy(['env']);
    const { accessKeyId, secretAccessKey } = kept(data);
    expect(piped).not.toContain(secretAccessKey);
    const first = await saidBy(onTerminal);
    expect(first.split(secretAccessKey)).toHaveLength(2);
    expect(first).toContain(`export AWS_ACCESS_KEY_ID=${accessKeyId}`);
    const second = await saidBy(onTerminal);
    expect(second).toContain(accessKeyId);
    expect(second).not.toContain(secretAccessKey);
  });

  test('logs are JSON lines on stderr, as much as asked for', async () => {
    const data = temporaryDirectory();
    const talking = await stop(await serve({ data }));
    const lines = talking.stderr.trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).msg)).toContain('serving');
    const silent = await stop(await serve({ data, environment: { FACET_LOG_LEVEL: 'silent' } }));
    expect(silent.stderr).toBe('');
  });

  test('nothing of it to others: what it makes is for its owner alone', async () => {
    const data = temporaryDirectory();
    chmodSync(data, 0o755);
    const server = await serve({ data });
    // Only then is nothing written any more.
    await server.wrote('stderr', /"serving"/);
    const made = readdirSync(data, { recursive: true, encoding: 'utf8' });
    expect(made).toContain(join('meta', 'data.mdb'));
    for (const name of made)
      expect([name, modeOf(join(data, name))]).toEqual([name, expect.stringMatching(/^.00$/)]);
  });
});

describe('the root access key', () => {
  test('is made once, kept for its owner alone, and works', async () => {
    const data = temporaryDirectory();
    const first = await serve({ data });
    const root = madeCredentials(first);
    expect(first.serving.rootCredentials.origin).toBe('made');
    expect(modeOf(join(data, 'root-credentials.json'))).toBe('600');
    expect((await s3(first, 'GET', '/', { as: root })).status).toBe(200);
    await stop(first);

    const second = await serve({ data });
    expect(second.serving.rootCredentials).toEqual({
      accessKeyId: root.accessKeyId,
      origin: 'kept',
      file: join(data, 'root-credentials.json'),
    });
    expect((await s3(second, 'GET', '/', { as: root })).status).toBe(200);
  });

  test('from the environment is not written down, and replaces the one before', async () => {
    const data = temporaryDirectory();
    const first = await serve({ data });
    const made = madeCredentials(first);
    await stop(first);

    const given = { accessKeyId: 'FROMOUTSIDE', secretAccessKey: 'aSecretOfTheEnvironment' };
    const second = await serve({
      data,
      environment: { FACET_ROOT_ACCESS_KEY: given.accessKeyId, FACET_ROOT_SECRET_KEY: given.secretAccessKey },
    });
    expect(second.serving.rootCredentials).toEqual({ accessKeyId: given.accessKeyId, origin: 'environment' });
    expect((await s3(second, 'GET', '/', { as: given })).status).toBe(200);
    expect((await s3(second, 'GET', '/', { as: made })).status).toBe(403);
    expect(readFileSync(join(data, 'root-credentials.json'), 'utf8')).not.toContain(given.secretAccessKey);
    await stop(second);

    const third = await serve({ data });
    const again = madeCredentials(third);
    expect(again.accessKeyId).not.toBe(made.accessKeyId);
    expect((await s3(third, 'GET', '/', { as: again })).status).toBe(200);
    expect((await s3(third, 'GET', '/', { as: given })).status).toBe(403);
  });

  test('with the same id and another secret: the new secret counts', async () => {
    const data = temporaryDirectory();
    const environment = { FACET_ROOT_ACCESS_KEY: 'SAMEID', FACET_ROOT_SECRET_KEY: 'theFirstSecret' };
    await stop(await serve({ data, environment }));
    const server = await serve({
      data,
      environment: { ...environment, FACET_ROOT_SECRET_KEY: 'theSecondSecret' },
    });
    const as = (secretAccessKey: string): Credentials => ({ accessKeyId: 'SAMEID', secretAccessKey });
    expect((await s3(server, 'GET', '/', { as: as('theSecondSecret') })).status).toBe(200);
    expect((await s3(server, 'GET', '/', { as: as('theFirstSecret') })).status).toBe(403);
  });

  test('half of it in the environment is refused', async () => {
    const end = await facet(['serve', '--data', temporaryDirectory(), '--admin', '127.0.0.1:0'], {
      environment: { FACET_ROOT_ACCESS_KEY: 'ALONE' },
    });
    expect(end.code).toBe(2);
    expect(end.stderr).toContain('FACET_ROOT_SECRET_KEY is not set');
  });
});

describe('health', () => {
  test('live, ready and version', async () => {
    const server = await serve({ data: temporaryDirectory() });
    const get = async (path: string): Promise<unknown> => {
      const response = await fetch(`${server.serving.admin.url}${path}`);
      expect(response.status).toBe(200);
      return response.json();
    };
    expect(await get('/health/live')).toEqual({ status: 'live' });
    expect(await get('/health/ready')).toEqual({ status: 'ready' });
    expect(await get('/version')).toEqual({ name: 'facet', version: server.serving.version });
  });

  test('the admin API is only for holders of the token', async () => {
    const data = temporaryDirectory();
    const server = await serve({ data });
    const volumes = `${server.serving.admin.url}/v1/volumes`;
    expect(modeOf(join(data, 'admin.json'))).toBe('600');
    const { token } = JSON.parse(readFileSync(join(data, 'admin.json'), 'utf8'));
    const asked = (authorization: string) => fetch(volumes, { headers: { authorization } });
    expect((await fetch(volumes)).status).toBe(401);
    expect((await asked('Bearer wrong')).status).toBe(401);
    expect((await asked(`Basic ${token}`)).status).toBe(401);
    expect((await asked(`Bearer ${token}`)).status).toBe(200);
    await stop(server);
    expect(existsSync(join(data, 'admin.json'))).toBe(false);
  });
});

describe('one store, one server', () => {
  test('a second one is refused, by name of the first', async () => {
    const data = temporaryDirectory();
    const first = await serve({ data });
    const second = await facet(['serve', '--data', data, '--s3', '127.0.0.1:0', '--admin', '127.0.0.1:0']);
    expect(second.code).toBe(5);
    expect(second.stderr).toContain(`is in use by facet serve (pid ${first.child.pid})`);
    expect(second.stdout).toBe('');
    expect((await fetch(`${first.serving.admin.url}/health/ready`)).status).toBe(200);
  });

  test('a port that is taken is named, and the store is given back', async () => {
    const data = temporaryDirectory();
    const other = await serve({ data: temporaryDirectory() });
    const taken = `127.0.0.1:${other.serving.s3.port}`;
    const refused = await facet(['serve', '--data', data, '--admin', '127.0.0.1:0', '--s3', taken]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`cannot listen on --s3 ${taken}: something listens there already`);
    // It made the root key, and showed nothing: the next start that succeeds does.
    const { serving } = await serve({ data });
    expect(serving.rootCredentials).toMatchObject({ origin: 'made', secretAccessKey: expect.any(String) });
  });

  test('one port for two doors: both flags are named, and the store is given back', async () => {
    const data = temporaryDirectory();
    const other = await serve({ data });
    const { port } = other.serving.admin;
    await stop(other);
    const doors = ['--s3', `127.0.0.1:${port}`, '--admin', `0.0.0.0:${port}`];
    const refused = await facet(['serve', '--data', data, ...doors]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`cannot listen on --s3 127.0.0.1:${port}`);
    expect(refused.stderr).toContain(`own --admin 0.0.0.0:${port} has that port`);
    await serve({ data });
  });

  test.each([
    ['--s3', 'nowhere.invalid:9000', /the name of the host cannot be looked up now|there is no such host/],
    ['--admin', '192.0.2.1:9000', /this machine has no such address/],
  ])('an address that cannot be had is told in words: %s %s', async (flag, address, words) => {
    const other = flag === '--s3' ? '--admin' : '--s3';
    const data = temporaryDirectory();
    const refused = await facet(['serve', '--data', data, other, '127.0.0.1:0', flag, address]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`cannot listen on ${flag} ${address}: `);
    expect(refused.stderr).toMatch(words);
  });

  test('after a clean stop the next one has nothing to recover', async () => {
    const data = temporaryDirectory();
    const first = await serve({ data });
    const root = madeCredentials(first);
    expect((await s3(first, 'PUT', '/clean', { as: root })).status).toBe(200);
    expect((await s3(first, 'PUT', '/clean/packed', { as: root, body: 'x'.repeat(5_000) })).status).toBe(200);
    await stop(first);
    expect((await stop(await serve({ data }))).stderr).not.toContain('recovered');
    const killed = await serve({ data });
    expect((await s3(killed, 'PUT', '/clean/packed', { as: root, body: 'y'.repeat(5_000) })).status).toBe(
      200,
    );
    await stop(killed, 'SIGKILL');
    expect((await stop(await serve({ data }))).stderr).toContain('recovered');
  });

  test('after kill -9 the next one serves what was acknowledged', async () => {
    const data = temporaryDirectory();
    const first = await serve({ data });
    const root = madeCredentials(first);
    expect((await s3(first, 'PUT', '/kept', { as: root })).status).toBe(200);
    expect((await s3(first, 'PUT', '/kept/small', { as: root, body: 'small' })).status).toBe(200);
    const large = 'large '.repeat(100_000);
    expect((await s3(first, 'PUT', '/kept/large', { as: root, body: large })).status).toBe(200);
    const end = await stop(first, 'SIGKILL');
    expect(end.signal).toBe('SIGKILL');

    const second = await serve({ data });
    expect(await (await s3(second, 'GET', '/kept/small', { as: root })).text()).toBe('small');
    expect(await (await s3(second, 'GET', '/kept/large', { as: root })).text()).toBe(large);
  });
});

test.each(['SIGABRT', 'SIGBUS', 'SIGILL', 'SIGSEGV'] as const)(
  'a crash (%s) ends the process, whatever its threads are at',
  async (signal) => {
    const server = await serve({ data: temporaryDirectory() });
    const root = madeCredentials(server);
    expect((await s3(server, 'PUT', '/crash', { as: root })).status).toBe(200);
    expect((await stop(server, signal)).signal).toBe(signal);
  },
);

const namespace = ['unshare', '--user', '--map-root-user', '--mount'];
const smallDisks = spawnSync('sh', ['-c', `${namespace.join(' ')} mount -t tmpfs none /mnt`]).status === 0;

test.skipIf(!smallDisks)('starts on a full disk, so that something can be deleted', async () => {
  const data = temporaryDirectory();
  const before = await serve({ data });
  const root = madeCredentials(before);
  expect((await s3(before, 'PUT', '/full', { as: root })).status).toBe(200);
  expect((await s3(before, 'PUT', '/full/key', { as: root, body: 'body' })).status).toBe(200);
  await stop(before);
  const small = temporaryDirectory();
  // Without the ballast, too: as a copy brought back onto a disk that is too small.
  const copied = 'rm "$1/meta/ballast" && mount -t tmpfs -o size=8m none "$0" && cp -a "$1/." "$0" && shift';
  const script = `${copied} && { cat /dev/zero >"$0/filler" 2>/dev/null; cd "$0" && exec "$@"; }`;
  const server = await serve({ data: small, under: [...namespace, 'sh', '-c', script, small, data] });
  expect(server.stderr()).toContain('commands do not find this server');
  const ready = await fetch(`${server.serving.admin.url}/health/ready`);
  expect([ready.status, await ready.json()]).toEqual([200, { status: 'full' }]);
  expect(await (await s3(server, 'GET', '/full/key', { as: root })).text()).toBe('body');
  expect((await s3(server, 'PUT', '/full/more', { as: root, body: 'body' })).status).toBe(507);
  expect((await s3(server, 'DELETE', '/full/key', { as: root })).status).toBe(204);
  expect((await stop(server)).code).toBe(0);
});

test('a device that refuses metadata ends the process, and nothing acknowledged is lost', async () => {
  const data = temporaryDirectory();
  const server = await serve({ data, survivesFileLimits: true });
  const root = madeCredentials(server);
  expect((await s3(server, 'PUT', '/kept', { as: root })).status).toBe(200);
  expect((await s3(server, 'PUT', '/kept/before', { as: root, body: 'before' })).status).toBe(200);
  execFileSync('prlimit', ['--pid', String(server.child.pid), '--fsize=16384:unlimited']);
  const refused = await s3(server, 'PUT', '/kept/after', { as: root, body: 'after' }).then(
    ({ status }) => status,
    () => 'connection closed',
  );
  expect([500, 503, 'connection closed']).toContain(refused);
  const end = await server.ended;
  expect(end.code).toBe(1);
  expect(end.stderr).toContain('the store failed: the process ends');

  const again = await serve({ data });
  expect(await (await s3(again, 'GET', '/kept/before', { as: root })).text()).toBe('before');
});

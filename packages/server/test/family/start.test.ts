/** A server of several processes while it starts, and while it can not be whole. */

import { fork } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { expect, onTestFinished, test } from 'vitest';
import { type FacetProcess, serve, startFacet, stop, temporaryDirectory } from '../facetProcess.ts';
import { FLAGS, pidsOf, WORKERS } from './processes.ts';

/** Of the processes that it starts the one of the store is the first after the workers, and that of maintenance. */
const STORE_AT = WORKERS + 1;

/** Listens on a port of its own until it is told to stop. */
async function takePort(port = 0) {
  const server = createServer((socket) => socket.destroy()).listen(port, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('it has a port');
  return { port: address.port, leave: () => new Promise((resolve) => server.close(resolve)) };
}

async function takeUdpPort(port: number): Promise<void> {
  const socket = createSocket('udp4').bind(port, '127.0.0.1');
  onTestFinished(() => void socket.close());
  await once(socket, 'listening');
}

async function freePort(): Promise<number> {
  const taken = await takePort();
  await taken.leave();
  return taken.port;
}

function start(data: string, { s3 = 0, admin = 0 } = {}): FacetProcess {
  const ports = ['--s3', `127.0.0.1:${s3}`, '--admin', `127.0.0.1:${admin}`, '--nfs', 'off'];
  return startFacet(['serve', '--data', data, ...ports, ...FLAGS]);
}

test('it is ready when S3 listens, and not before', async () => {
  const [s3, admin] = [await freePort(), await freePort()];
  const server = start(temporaryDirectory(), { s3, admin });
  const seen = new Set<string>();
  for (let isReady = false; !isReady; await delay(2)) {
    const response = await fetch(`http://127.0.0.1:${admin}/health/ready`).catch(() => undefined);
    if (response === undefined) continue;
    seen.add(JSON.stringify(await response.json()));
    isReady = response.status === 200;
  }
  expect((await fetch(`http://127.0.0.1:${s3}/`)).status).toBe(403);
  expect([...seen]).toEqual(['{"status":"starting"}', '{"status":"ready"}']);
  expect((await stop(server)).code).toBe(0);
});

test('a worker that is killed before it served is replaced', async () => {
  const server = start(temporaryDirectory());
  await expect.poll(() => pidsOf(server).length, { interval: 1 }).toBeGreaterThan(STORE_AT);
  const [, victim = 0] = pidsOf(server);
  process.kill(victim, 'SIGKILL');
  await server.wrote('stderr', /"s3-1".*"SIGKILL".*a worker ended before it served: another is started/);
  await server.wrote('stderr', /"serving"/);
  expect(pidsOf(server)).toHaveLength(WORKERS + 2);
  expect((await stop(server)).code).toBe(0);
});

test('the store’s process that is killed before it served is replaced, but not for ever', async () => {
  const server = start(temporaryDirectory());
  await expect.poll(() => pidsOf(server).length, { interval: 1 }).toBeGreaterThan(STORE_AT);
  process.kill(pidsOf(server)[STORE_AT] ?? 0, 'SIGKILL');
  await server.wrote(
    'stderr',
    /"SIGKILL".*the process of the store ended before it served: another is started/,
  );
  await server.wrote('stderr', /"serving"/);
  expect((await stop(server)).code).toBe(0);

  const hopeless = start(temporaryDirectory());
  await expect.poll(() => pidsOf(hopeless).length, { interval: 1 }).toBeGreaterThan(STORE_AT);
  const workers = pidsOf(hopeless).slice(0, STORE_AT);
  while (hopeless.child.exitCode === null && !hopeless.stderr().includes('before it served (')) {
    for (const pid of pidsOf(hopeless)) if (!workers.includes(pid)) process.kill(pid, 'SIGKILL');
    await delay(1);
  }
  const end = await hopeless.ended;
  expect([end.code, end.stderr]).toEqual([
    1,
    expect.stringContaining('the process store ended 3 times before it served (the last time by SIGKILL)'),
  ]);
});

test('a process that is told to stop before what it is ends in order', async () => {
  const entry = fileURLToPath(new URL('../../bundle/child.js', import.meta.url));
  const child = fork(entry, { stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    said += chunk.toString();
  });
  for (const kind of ['count', 'suspend', 'stop']) child.send({ kind });
  const [code] = await once(child, 'close');
  expect([code, said]).toEqual([0, '']);
});

test('one that ends again and again before it served ends the start, and the reason is told', async () => {
  const server = start(temporaryDirectory());
  await expect.poll(() => pidsOf(server).length, { interval: 1 }).toBeGreaterThan(STORE_AT);
  const store = pidsOf(server)[STORE_AT];
  while (server.child.exitCode === null && !server.stderr().includes('before it served (')) {
    for (const pid of pidsOf(server)) if (pid !== store) process.kill(pid, 'SIGKILL');
    await delay(1);
  }
  const end = await server.ended;
  expect(end.code).toBe(1);
  expect(end.stderr).toContain(
    'the process maintenance ended 3 times before it served (the last time by SIGKILL)',
  );
});

test('it stops at once while it waits to start its store again', async () => {
  const server = await serve({ data: temporaryDirectory(), flags: FLAGS });
  const store = pidsOf(server)[STORE_AT] ?? 0;
  process.kill(store, 'SIGKILL');
  // Where the store would answer over UDP somebody else does, so that it can not be opened.
  for (let isTaken = false; !isTaken; ) {
    isTaken = await takeUdpPort(server.serving.nfs?.port ?? 0).then(
      () => true,
      () => false,
    );
  }
  await server.wrote('stderr', /"waitMs":6400/);
  const stoppedAt = performance.now();
  expect((await stop(server)).code).toBe(0);
  expect(performance.now() - stoppedAt).toBeLessThan(5_000);
}, 60_000);

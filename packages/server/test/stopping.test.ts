/** How a server ends that is told to. */

import http from 'node:http';
import { connect } from 'node:net';
import pino from 'pino';
import { expect, onTestFinished, test } from 'vitest';
import { startServer } from '../src/serve/server.ts';
import {
  type Credentials,
  madeCredentials,
  type RunningServer,
  serve,
  stop,
  temporaryDirectory,
} from './facetProcess.ts';
import { presign } from './presign.ts';
import { s3 } from './s3.ts';

/** Half a PUT is sent; the rest follows when `finish` is called. */
async function putInFlight(server: RunningServer, as: Credentials) {
  expect((await s3(server, 'PUT', '/flight', { as })).status).toBe(200);
  const url = presign('PUT', `${server.serving.s3.url}/flight/object`, as);
  const agent = new http.Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());
  const request = http.request(url, {
    method: 'PUT',
    agent,
    // Its answer proves that the server has begun on the request.
    headers: { 'content-length': '10', expect: '100-continue' },
  });
  request.flushHeaders();
  await new Promise((resolve) => request.once('continue', resolve));
  request.write('first');
  const answered = new Promise<http.IncomingMessage>((resolve, reject) => {
    request.once('response', resolve).once('error', reject);
  });
  // Whoever awaits it hears of it. Where the test failed before, that failure is the one to see.
  answered.catch(() => undefined);
  return { answered, finish: () => request.end('after') };
}

const refusesConnections = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(false);
    });
    socket.once('error', () => resolve(true));
  });

test.each<[string, readonly NodeJS.Signals[]]>([
  ['SIGTERM', ['SIGTERM']],
  ['SIGINT', ['SIGINT']],
  ['a second one is harmless', ['SIGTERM', 'SIGTERM', 'SIGINT']],
])('%s: the request in flight is finished, then it ends well', async (_name, signals) => {
  const data = temporaryDirectory();
  const server = await serve({ data });
  const root = madeCredentials(server);
  const put = await putInFlight(server, root);
  for (const signal of signals) {
    server.child.kill(signal);
    await server.wrote('stderr', /stopping/);
  }
  for (const { port } of [server.serving.s3, server.serving.nfs ?? server.serving.s3]) {
    await expect.poll(() => refusesConnections(port)).toBe(true);
  }
  expect(server.child.exitCode).toBeNull();
  // Whoever asks again is told what it waits for, once.
  if (signals.length > 1)
    await server.wrote('stderr', /"requests":1,"graceSeconds":30,"msg":"still finishing/);
  expect(server.stderr().split('still finishing')).toHaveLength(signals.length > 1 ? 2 : 1);
  put.finish();
  const response = await put.answered;
  response.resume();
  expect(response.statusCode).toBe(200);
  expect(await server.ended).toMatchObject({ code: 0, signal: null });

  const again = await serve({ data });
  expect(await (await s3(again, 'GET', '/flight/object', { as: root })).text()).toBe('firstafter');
});

test('a request that does not end is cut off after its grace', async () => {
  const server = await startServer({
    settings: {
      data: temporaryDirectory(),
      s3: { host: '127.0.0.1', port: 0 },
      admin: { host: '127.0.0.1', port: 0 },
      workers: 0,
      s3Domain: 'localhost',
      logLevel: 'silent',
      accessLog: false,
    },
    environment: {},
    logger: pino({ level: 'silent' }),
    graceMs: 200,
  });
  const url = `http://127.0.0.1:${server.s3?.port}`;
  expect((await fetch(presign('PUT', `${url}/stuck`, server.facts.credentials), { method: 'PUT' })).ok).toBe(
    true,
  );
  const request = http.request(presign('PUT', `${url}/stuck/object`, server.facts.credentials), {
    method: 'PUT',
    headers: { 'content-length': '10', expect: '100-continue' },
  });
  onTestFinished(() => {
    request.destroy();
  });
  request.on('error', () => undefined).flushHeaders();
  await new Promise((resolve) => request.once('continue', resolve));
  const began = performance.now();
  await server.stop();
  expect(performance.now() - began).toBeGreaterThan(190);
});

test('idle connections do not keep it', async () => {
  const server = await serve({ data: temporaryDirectory() });
  const agent = new http.Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());
  for (const url of [server.serving.s3.url, `${server.serving.admin.url}/health/live`]) {
    await new Promise((resolve, reject) => {
      http.get(url, { agent }, (response) => response.resume().once('end', resolve)).once('error', reject);
    });
  }
  expect(await stop(server)).toMatchObject({ code: 0 });
});

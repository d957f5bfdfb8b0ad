/** One worker, which shares S3 with the process of the store. */

import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import {
  facet,
  madeCredentials,
  type RunningServer,
  serve,
  stop,
  temporaryDirectory,
} from '../facetProcess.ts';
import { presign } from '../presign.ts';
import { begin, clientOf, end, expectAllOf, NfsVisitor } from './load.ts';
import { childrenOf } from './processes.ts';

const SHARED = ['--workers', '1'];

/** Requests that each process served, by what it calls itself. */
async function servedBy(server: RunningServer, operation: string): Promise<Readonly<Record<string, number>>> {
  const said = await (await fetch(`${server.serving.admin.url}/metrics`)).text();
  const served: Record<string, number> = {};
  for (const line of said.split('\n')) {
    if (!line.startsWith(`facet_s3_requests_total{operation="${operation}"`)) continue;
    const worker = /worker="([^"]*)"/.exec(line)?.[1] ?? '';
    served[worker] = (served[worker] ?? 0) + Number(line.split(' ').at(-1));
  }
  return served;
}

/** On a connection of its own, for two seconds. @returns the status */
async function slowPut(url: URL): Promise<number | undefined> {
  const sending = request(url, { method: 'PUT', agent: false, headers: { 'content-length': 20_000 } });
  const answered = once(sending, 'response');
  for (let n = 0; n < 20; n += 1) {
    sending.write(Buffer.alloc(1000, n));
    await delay(100);
  }
  sending.end();
  const [response]: IncomingMessage[] = await answered;
  return response?.resume().statusCode;
}

describe('a server with one worker', () => {
  test('has both processes serve S3, and each sees at once what the other acknowledged', async () => {
    const server = await serve({ data: temporaryDirectory(), flags: SHARED });
    const root = madeCredentials(server);
    // Each on a connection of its own, which goes to the process that has the fewest.
    const ask = (method: 'GET' | 'PUT', path: string, body?: string) =>
      fetch(presign(method, `${server.serving.s3.url}${path}`, root), {
        method,
        headers: { connection: 'close' },
        ...(body !== undefined && { body }),
      });
    await ask('PUT', '/bucket');
    for (let n = 0; n < 30; n += 1) {
      expect((await ask('PUT', '/bucket/key', `version ${n}`)).status).toBe(200);
      const answers = await Promise.all(Array.from({ length: 6 }, () => ask('GET', '/bucket/key')));
      for (const answer of answers) expect(await answer.text()).toBe(`version ${n}`);
    }
    // Who comes alone is served by the store's process, with nothing between; unless the end of one before is not known yet.
    expect((await servedBy(server, 'PutObject'))['store']).toBeGreaterThan(20);
    const { store = 0, 's3-1': worker = 0 } = await servedBy(server, 'GetObject');
    expect(store + worker).toBe(180);
    expect(Math.min(store, worker)).toBeGreaterThan(40);
    expect((await stop(server)).code).toBe(0);
  });

  test('SIGHUP replaces every process, and nobody is turned away', async () => {
    const { data, server, client, writers } = await begin(SHARED);
    const before = childrenOf(server);
    const visitor = new NfsVisitor(server);
    for (let times = 1; times <= 2; times += 1) {
      server.child.kill('SIGHUP');
      await server.wrote('stderr', new RegExp(`(every process was replaced"[\\s\\S]*){${times}}`));
    }
    await end(writers);
    await visitor.stop();
    expect(visitor.refused).toEqual([]);
    expect(childrenOf(server).store).not.toBe(before.store);
    // Nor has one of them all who stayed.
    const both = await servedBy(server, 'PutObject');
    expect(Object.keys(both).toSorted()).toEqual(['s3-1', 'store']);
    expect(writers.flatMap(({ failures }) => failures)).toEqual([]);
    await expectAllOf(writers, client);
    expect((await stop(server)).code).toBe(0);
    expect((await facet(['fsck', '--data', data])).code).toBe(0);
  }, 60_000);

  test('either process that is killed is started again, and the other one goes on', async () => {
    const { data, server, client, writers } = await begin(SHARED);
    const before = childrenOf(server);
    for (const pid of [before.store, ...before.workers]) {
      process.kill(pid, 'SIGKILL');
      await expect.poll(() => writers.every(({ count }) => count > 0)).toBe(true);
      const counts = writers.map(({ count }) => count);
      await expect.poll(() => writers.every(({ count }, at) => count > (counts[at] ?? 0) + 3)).toBe(true);
    }
    await end(writers);
    await expect.poll(() => childrenOf(server).workers.length).toBe(1);
    // What was under way in a process that was killed has no answer.
    for (const { failures } of writers)
      for (const failure of failures) expect(failure).toMatch(/: 503$|SocketError|ECONNRESET/);
    await expectAllOf(writers, client);
    expect((await stop(server)).code).toBe(0);
    expect((await facet(['fsck', '--data', data])).code).toBe(0);
  });

  test('a stop lets what is in flight in both come to its end', async () => {
    const server = await serve({ data: temporaryDirectory(), flags: SHARED });
    const client = clientOf(server, madeCredentials(server));
    await client.ask('PUT', '/bucket');
    const puts = ['a', 'b'].map((key) =>
      slowPut(presign('PUT', `${server.serving.s3.url}/bucket/${key}`, madeCredentials(server))),
    );
    await delay(700);
    const stopping = stop(server);
    for (const put of puts) expect(await put).toBe(200);
    expect((await stopping).code).toBe(0);
  });
});

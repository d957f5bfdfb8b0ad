import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { facet, madeCredentials, stop, temporaryDirectory } from '../facetProcess.ts';
import { begin, clientOf, end, expectAllOf, NfsVisitor } from './load.ts';
import { childrenOf, logOf, start, WORKERS } from './processes.ts';

describe('a server of several processes', () => {
  test('a worker that is killed is replaced; the other one goes on; nothing acknowledged is lost', async () => {
    const { data, server, client, writers } = await begin();
    const { store, workers } = childrenOf(server);
    const [victim] = workers;
    if (victim === undefined) throw new Error('there are workers');
    process.kill(victim, 'SIGKILL');
    await server.wrote('stderr', /a worker ended, and is started again/);
    await end(writers);
    await expect.poll(() => childrenOf(server).workers.length).toBe(WORKERS);
    expect(childrenOf(server)).toMatchObject({ store });
    expect(childrenOf(server).workers).not.toContain(victim);
    await expectAllOf(writers, client);
    expect((await stop(server)).code).toBe(0);
    expect((await facet(['fsck', '--data', data])).code).toBe(0);
  });

  test('a store process that is killed is started again: connections stay, nothing acknowledged is lost', async () => {
    const { data, server, client, writers } = await begin();
    const before = childrenOf(server);
    const visitor = new NfsVisitor(server);
    for (let n = 0; n < 2; n += 1) {
      process.kill(childrenOf(server).store, 'SIGKILL');
      const restarts = () =>
        logOf(server).filter(({ msg }) => /store ended, and is started again/.test(msg)).length;
      await expect.poll(restarts).toBe(n + 1);
      const counts = writers.map(({ count }) => count);
      await expect.poll(() => writers.every(({ count }, at) => count > (counts[at] ?? 0) + 3)).toBe(true);
    }
    await end(writers);
    await visitor.stop();
    expect(visitor.refused).toEqual([]);
    // One that lost an answer about bytes that it has stored is followed by another.
    await expect.poll(() => childrenOf(server).workers.length).toBe(before.workers.length);
    // What was under way is told apart from what was refused: it may or may not have been done.
    for (const { failures } of writers) for (const failure of failures) expect(failure).toMatch(/: 503$/);
    await expectAllOf(writers, client);
    expect((await stop(server)).code).toBe(0);
    expect((await facet(['fsck', '--data', data])).code).toBe(0);
  });

  test.each([false, true])(
    'bytes of which a worker lost the answer are found, while the server goes on (its successor is killed: %s)',
    async (isKilled) => {
      const server = await start(temporaryDirectory());
      const client = clientOf(server, madeCredentials(server));
      const put = async (key: string): Promise<number> =>
        (await client.ask('PUT', `/bucket/${key}`, Buffer.alloc(1 << 20))).status;
      await client.ask('PUT', '/bucket');
      // Each worker has leased containers, and needs the store for nothing else before it has the bytes.
      for (let n = 0; n < 2 * WORKERS; n += 1) expect(await put(`before-${n}`)).toBe(200);
      const { store, workers } = childrenOf(server);
      process.kill(store, 'SIGSTOP');
      const answer = put('under way');
      await delay(1_000);
      process.kill(store, 'SIGKILL');
      expect(await answer).toBe(503);
      await server.wrote('stderr', /a worker lost an answer of the store, and is replaced/);
      if (isKilled) {
        const successor = () => childrenOf(server).workers.find((pid) => !workers.includes(pid)) ?? 0;
        await expect.poll(successor, { interval: 2 }).not.toBe(0);
        const pid = successor();
        // Of 0 the test's own would be killed.
        expect(pid).toBeGreaterThan(0);
        process.kill(pid, 'SIGKILL');
        await server.wrote('stderr', /a worker could not be replaced: it is tried again/);
      }
      await server.wrote('stderr', /"leases":\d+,.*"deadBytes":1\d{6},.*recovered what the last holder/);
      expect(await put('after')).toBe(200);
      await expect
        .poll(() => childrenOf(server).workers.filter((pid) => workers.includes(pid)).length)
        .toBe(WORKERS - 1);
      expect((await stop(server)).code).toBe(0);
    },
  );

  test('when the supervisor is killed every process ends, and the next start has everything', async () => {
    const { data, server, root, writers } = await begin();
    const { store, workers, maintenance = 0 } = childrenOf(server);
    server.child.kill('SIGKILL');
    await Promise.all(writers.map((writer) => writer.stop()));
    const lives = (pid: number): boolean => {
      try {
        process.kill(pid, 0);
        return true;
      } catch {
        return false;
      }
    };
    await expect.poll(() => [store, maintenance, ...workers].filter(lives)).toEqual([]);
    const again = await start(data);
    await expectAllOf(writers, clientOf(again, root));
    expect((await stop(again)).code).toBe(0);
    expect((await facet(['fsck', '--data', data])).code).toBe(0);
  });

  test('a worker that ends again and again is started later and later, and the log says so', async () => {
    const server = await start(temporaryDirectory());
    const client = clientOf(server, madeCredentials(server));
    for (let n = 0; n < 4; n += 1) {
      const seen = new Set(logOf(server).map(({ msg }) => msg));
      if (seen.has('a worker ends again and again: it is started again later')) break;
      const [victim] = childrenOf(server).workers;
      if (victim !== undefined) process.kill(victim, 'SIGKILL');
      await expect
        .poll(() => logOf(server).filter(({ msg }) => msg.startsWith('a worker end')).length)
        .toBeGreaterThan(n);
      await expect.poll(() => childrenOf(server).workers.length).toBe(WORKERS);
      await delay(50);
    }
    await server.wrote('stderr', /a worker ends again and again/);
    await expect.poll(async () => (await client.ask('GET', '/').catch(() => undefined))?.status).toBe(200);
    expect((await stop(server)).code).toBe(0);
  });
});

import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { facet, stop } from '../facetProcess.ts';
import { begin, end, expectAllOf, NfsVisitor } from './load.ts';
import { childrenCalled, childrenOf, readsMetadata } from './processes.ts';

describe('a server of several processes', () => {
  test('SIGHUP replaces every process, and nobody is turned away', async () => {
    const { data, server, client, writers } = await begin();
    const before = childrenOf(server);
    const visitor = new NfsVisitor(server);
    await expect.poll(() => visitor.served).toBeGreaterThan(0);
    server.child.kill('SIGHUP');
    await server.wrote('stderr', /every process was replaced"/);
    await end(writers);
    await visitor.stop();
    expect(visitor.refused).toEqual([]);
    const after = childrenOf(server);
    expect(after.store).not.toBe(before.store);
    expect(after.maintenance).toBeDefined();
    expect(after.maintenance).not.toBe(before.maintenance);
    for (const worker of after.workers) expect(before.workers).not.toContain(worker);
    expect(writers.flatMap(({ failures }) => failures)).toEqual([]);
    await expectAllOf(writers, client);
    expect((await stop(server)).code).toBe(0);
    expect((await facet(['fsck', '--data', data])).code).toBe(0);
  });

  test('a worker that dies while its successor starts leaves one worker in its place, and nothing that holds room back', async () => {
    const { data, server, client, writers } = await begin();
    const [old] = childrenCalled(server, 'facet s3-1');
    server.child.kill('SIGHUP');
    await expect.poll(() => childrenCalled(server, 'facet s3-1').length, { interval: 2 }).toBe(2);
    if (old !== undefined) process.kill(old, 'SIGKILL');
    await server.wrote('stderr', /every process was replaced"/);
    for (const title of ['facet s3-1', 'facet s3-2', 'facet maintenance', 'facet store'])
      expect([title, childrenCalled(server, title).length]).toEqual([title, 1]);
    await end(writers);
    expect((await client.ask('PUT', '/bucket/large', randomBytes(2_000_000))).status).toBe(200);
    expect((await client.ask('DELETE', '/bucket/large')).status).toBe(204);
    const unlinked = async (): Promise<number> => {
      const said = await (await fetch(`${server.serving.admin.url}/metrics`)).text();
      return Number(/^facet_collector_bytes_total\{fate="unlinked"\} (\d+)/m.exec(said)?.[1]);
    };
    // Whoever is taken to read still holds back what was deleted.
    await expect.poll(unlinked, { timeout: 20_000 }).toBeGreaterThan(0);
    await expectAllOf(writers, client);
    expect((await stop(server)).code).toBe(0);
    expect((await facet(['fsck', '--data', data])).code).toBe(0);
  });

  test('a store process that dies while all are replaced is started once', async () => {
    const { data, server, client, writers } = await begin();
    const [store = 0] = childrenCalled(server, 'facet store');
    const [worker = 0] = childrenCalled(server, 'facet s3-1');
    server.child.kill('SIGHUP');
    // The store is replaced, and the first worker is next.
    const successor = (title: string, old: number) =>
      childrenCalled(server, title).find((pid) => pid !== old);
    await expect
      .poll(() => readsMetadata(successor('facet s3-1', worker)), { interval: 2, timeout: 20_000 })
      .toBe(true);
    const newStore = successor('facet store', store) ?? 0;
    // Of 0 the test's own would be killed.
    expect(Math.min(newStore, worker)).toBeGreaterThan(0);
    process.kill(newStore, 'SIGKILL');
    process.kill(worker, 'SIGKILL');
    await server.wrote('stderr', /every process was replaced"/);
    await end(writers);
    expect(server.stderr()).not.toMatch(/could not be opened again/);
    // A worker that lost an answer about its bytes with the store is replaced for that once more, and drains beside its successor.
    for (const title of ['facet s3-1', 'facet s3-2', 'facet maintenance', 'facet store'])
      await expect
        .poll(() => [title, childrenCalled(server, title).length], { timeout: 20_000 })
        .toEqual([title, 1]);
    await expectAllOf(writers, client);
    expect((await stop(server)).code).toBe(0);
    expect((await facet(['fsck', '--data', data])).code).toBe(0);
  });
});

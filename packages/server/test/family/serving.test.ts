import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { facet, madeCredentials, startFacet, stop, temporaryDirectory } from '../facetProcess.ts';
import { presign } from '../presign.ts';
import { clientOf, SIZES } from './load.ts';
import { childrenOf, readBytesOf, start, WORKERS } from './processes.ts';

describe('a server of several processes', () => {
  test('what one worker acknowledged every other one has, at once', async () => {
    const server = await start(temporaryDirectory());
    const client = clientOf(server, madeCredentials(server));
    expect((await client.ask('PUT', '/bucket')).status).toBe(200);
    for (let n = 0; n < 60; n += 1) {
      const body = randomBytes(SIZES[n % SIZES.length] ?? 0);
      expect((await client.ask('PUT', '/bucket/key', body)).status).toBe(200);
      const readers = Array.from({ length: 2 * WORKERS }, async () => {
        // A connection of its own, which goes to the next worker.
        const response = await fetch(
          presign('GET', `${server.serving.s3.url}/bucket/key`, madeCredentials(server)),
          { headers: { connection: 'close' } },
        );
        return Buffer.from(await response.arrayBuffer());
      });
      for (const bytes of await Promise.all(readers)) expect(bytes.equals(body)).toBe(true);
    }
    expect((await client.ask('DELETE', '/bucket/key')).status).toBe(204);
    expect((await client.ask('DELETE', '/bucket')).status).toBe(204);
    for (let n = 0; n < 2 * WORKERS; n += 1)
      expect((await client.ask('GET', '/bucket/key')).status).toBe(404);
    expect((await stop(server)).code).toBe(0);
  });

  test('compaction and scrubs have a process of their own, which is replaced when it is killed', async () => {
    const data = temporaryDirectory();
    const server = await start(data);
    const client = clientOf(server, madeCredentials(server));
    expect((await client.ask('PUT', '/bucket')).status).toBe(200);
    const body = randomBytes(90_000);
    for (let n = 0; n < 5; n += 1) expect((await client.ask('PUT', `/bucket/${n}`, body)).status).toBe(200);
    const scrubbed = async (): Promise<number> => {
      const ran = await facet(['scrub', '--data', data, '--rate', '1G', '--json']);
      expect([ran.code, ran.stderr]).toEqual([0, '']);
      return JSON.parse(ran.stdout).bytes;
    };
    const { maintenance = 0, store, workers } = childrenOf(server);
    const before = { maintenance: readBytesOf(maintenance), store: readBytesOf(store) };
    expect(await scrubbed()).toBe(5 * body.length);
    expect(readBytesOf(maintenance) - before.maintenance).toBeGreaterThan(5 * body.length);
    expect(readBytesOf(store) - before.store).toBeLessThan(body.length);

    const slow = startFacet(['scrub', '--data', data, '--rate', '1M']);
    await server.wrote('stderr', /the scrub is over[\s\S]*a scrub begins/);
    process.kill(maintenance, 'SIGKILL');
    const ended = await slow.ended;
    expect(ended.code).not.toBe(0);
    expect(ended.stderr).toContain('ask again');
    await expect.poll(() => childrenOf(server).maintenance ?? maintenance).not.toBe(maintenance);
    expect(childrenOf(server)).toMatchObject({ store, workers });
    await expect.poll(scrubbed).toBe(5 * body.length);
    const compacted = await facet(['compact', '--data', data, '--json']);
    expect(JSON.parse(compacted.stdout)).toMatchObject({ damaged: 0, complete: true });
    const said = await (await fetch(`${server.serving.admin.url}/metrics`)).text();
    expect(said).toMatch(/facet_compactor_segments_total\{worker="maintenance"\} \d/);
    expect((await stop(server)).code).toBe(0);
    expect((await facet(['fsck', '--data', data])).code).toBe(0);
  });

  test('one place tells what all processes measured', async () => {
    const server = await start(temporaryDirectory());
    const client = clientOf(server, madeCredentials(server));
    expect((await client.ask('PUT', '/bucket')).status).toBe(200);
    const GETS = 12;
    for (let n = 0; n < GETS; n += 1) expect((await client.ask('GET', `/bucket/${n}`)).status).toBe(404);
    const said = await (await fetch(`${server.serving.admin.url}/metrics`)).text();
    const samples = said
      .split('\n')
      .filter((line) => line.startsWith('facet_s3_requests_total{operation="GetObject"'));
    const workers = new Set(samples.map((line) => /worker="([^"]*)"/.exec(line)?.[1]));
    expect([...workers].every((name) => name === 's3-1' || name === 's3-2')).toBe(true);
    expect(samples.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)).toBe(GETS);
    for (const name of ['store', 'maintenance', 's3-1', 's3-2'])
      expect(said).toMatch(new RegExp(`process_start_time_seconds\\{worker="${name}"\\} \\d`));
    expect((await stop(server)).code).toBe(0);
  });

  test('signals to the whole group are the supervisor’s to heed', async () => {
    const server = await start(temporaryDirectory());
    const before = childrenOf(server);
    const { store, workers, maintenance = 0 } = before;
    for (const pid of [store, maintenance, ...workers])
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.kill(pid, signal);
    const client = clientOf(server, madeCredentials(server));
    expect((await client.ask('GET', '/')).status).toBe(200);
    expect(childrenOf(server)).toEqual(before);
    expect((await stop(server)).code).toBe(0);
  });
});

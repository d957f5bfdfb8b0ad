import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import {
  type Credentials,
  facet,
  madeCredentials,
  type RunningServer,
  serve,
  startFacet,
  stop,
  temporaryDirectory,
} from './facetProcess.ts';
import { NfsClient } from './nfsClient.ts';
import { presign } from './presign.ts';

const WORKERS = 2;
const start = (data: string): Promise<RunningServer> =>
  serve({ data, flags: ['--workers', String(WORKERS)] });

interface Log {
  readonly pid: number;
  readonly process?: string;
  readonly msg: string;
}

const logOf = (server: RunningServer): readonly Log[] =>
  server
    .stderr()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line));

interface Children {
  readonly store: number;
  /** Of S3. */
  readonly workers: readonly number[];
  readonly maintenance: number | undefined;
}

/** The processes that a supervisor started. */
function childrenOf(server: RunningServer): Children {
  const pid = server.child.pid;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  const titleOf = (child: number) => readFileSync(`/proc/${child}/cmdline`, 'utf8').replace(/\0+$/, '');
  const store = children.find((child) => titleOf(child) === 'facet store');
  if (store === undefined) throw new Error(`no child has the store: ${children.map(titleOf)}`);
  const maintenance = children.find((child) => titleOf(child) === 'facet maintenance');
  return {
    store,
    workers: children.filter((child) => child !== store && child !== maintenance),
    maintenance,
  };
}

/** Those that a supervisor started and that call themselves so. */
function childrenCalled(server: RunningServer, title: string): readonly number[] {
  const pid = server.child.pid;
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').map(Number);
  return children.filter((child) => {
    try {
      return readFileSync(`/proc/${child}/cmdline`, 'utf8').replace(/\0+$/, '') === title;
    } catch {
      // It ended meanwhile.
      return false;
    }
  });
}

/** Whether it has LMDB's file open. */
function readsMetadata(pid: number | undefined): boolean {
  if (pid === undefined) return false;
  return readdirSync(`/proc/${pid}/fd`).some((fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).endsWith('/data.mdb');
    } catch {
      // It was closed meanwhile.
      return false;
    }
  });
}

/** What it read through system calls. */
const readBytesOf = (pid: number): number =>
  Number(/^rchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))?.[1]);

interface Client {
  ask(method: 'GET' | 'PUT' | 'DELETE', path: string, body?: Buffer): Promise<Response>;
}

function clientOf(server: RunningServer, as: Credentials): Client {
  return {
    ask: (method, path, body) =>
      fetch(presign(method, `${server.serving.s3.url}${path}`, as), { method, ...(body && { body }) }),
  };
}

/** Sizes of each shape in which bytes are stored. */
const SIZES = [0, 700, 5_000, 90_000, 400_000];

/** Writes object after object until told to stop, and knows which were acknowledged. */
class Writer {
  readonly acknowledged = new Map<string, string>();
  readonly failures: string[] = [];
  readonly #client: Client;
  readonly #name: string;
  #goesOn = true;
  readonly #done: Promise<void>;

  constructor(client: Client, name: string) {
    this.#client = client;
    this.#name = name;
    this.#done = this.#run();
  }

  async #run(): Promise<void> {
    for (let n = 0; this.#goesOn; n += 1) {
      const body = randomBytes(SIZES[n % SIZES.length] ?? 0);
      const path = `/bucket/${this.#name}/${n}`;
      try {
        const response = await this.#client.ask('PUT', path, body);
        await response.arrayBuffer();
        if (response.status === 200)
          this.acknowledged.set(path, createHash('sha256').update(body).digest('hex'));
        else this.failures.push(`${path}: ${response.status}`);
      } catch (error) {
        this.failures.push(`${path}: ${(error as Error).cause ?? error}`);
      }
    }
  }

  /** @returns how many were acknowledged until now */
  get count(): number {
    return this.acknowledged.size;
  }

  async stop(): Promise<void> {
    this.#goesOn = false;
    await this.#done;
  }
}

async function expectAllOf(writers: readonly Writer[], client: Client): Promise<void> {
  for (const { acknowledged } of writers) {
    for (const [path, digest] of acknowledged) {
      const response = await client.ask('GET', path);
      const bytes = Buffer.from(await response.arrayBuffer());
      expect([path, response.status, createHash('sha256').update(bytes).digest('hex')]).toEqual([
        path,
        200,
        digest,
      ]);
    }
  }
}

async function begin() {
  const data = temporaryDirectory();
  const server = await start(data);
  const root = madeCredentials(server);
  const client = clientOf(server, root);
  expect((await client.ask('PUT', '/bucket')).status).toBe(200);
  const writers = ['a', 'b', 'c', 'd'].map((name) => new Writer(client, name));
  await expect.poll(() => writers.every(({ count }) => count > SIZES.length)).toBe(true);
  return { data, server, root, client, writers };
}

/** Comes as a new client of NFS again and again, until told to stop. */
class NfsVisitor {
  /** Of those who came, how many were served. */
  served = 0;
  /** Who could not even connect. */
  readonly refused: unknown[] = [];
  readonly #port: number;
  #goesOn = true;
  readonly #done: Promise<void>;

  constructor(server: RunningServer) {
    this.#port = server.serving.nfs?.port ?? 0;
    this.#done = this.#run();
  }

  async #run(): Promise<void> {
    for (; this.#goesOn; await delay(10)) {
      const client = await NfsClient.connect(this.#port).catch((error) => void this.refused.push(error));
      if (!client) continue;
      // One that is cut off comes again, as clients of NFS do.
      if (await client.ping().catch(() => false)) this.served += 1;
      client.close();
    }
  }

  async stop(): Promise<void> {
    const before = this.served;
    await expect.poll(() => this.served).toBeGreaterThan(before);
    this.#goesOn = false;
    await this.#done;
  }
}

async function end(writers: readonly Writer[]): Promise<void> {
  const before = writers.map(({ count }) => count);
  // All of them go on.
  await expect
    .poll(() => writers.every(({ count }, n) => count > (before[n] ?? 0) + SIZES.length))
    .toBe(true);
  await Promise.all(writers.map((writer) => writer.stop()));
}

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
    expect(childrenOf(server).workers).toEqual(before.workers);
    // What was under way is told apart from what was refused: it may or may not have been done.
    for (const { failures } of writers) for (const failure of failures) expect(failure).toMatch(/: 503$/);
    await expectAllOf(writers, client);
    expect((await stop(server)).code).toBe(0);
    expect((await facet(['fsck', '--data', data])).code).toBe(0);
  });

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
    const [old = 0] = childrenCalled(server, 'facet s3-2');
    server.child.kill('SIGHUP');
    // The last worker is replaced, and the store would be next.
    const successor = () => childrenCalled(server, 'facet s3-2').find((pid) => pid !== old);
    await expect.poll(() => readsMetadata(successor()), { interval: 2, timeout: 20_000 }).toBe(true);
    process.kill(childrenOf(server).store, 'SIGKILL');
    process.kill(old, 'SIGKILL');
    await server.wrote('stderr', /every process was replaced"/);
    await end(writers);
    expect(server.stderr()).not.toMatch(/could not be opened again/);
    for (const title of ['facet s3-1', 'facet s3-2', 'facet maintenance', 'facet store'])
      expect([title, childrenCalled(server, title).length]).toEqual([title, 1]);
    await expectAllOf(writers, client);
    expect((await stop(server)).code).toBe(0);
    expect((await facet(['fsck', '--data', data])).code).toBe(0);
  });

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

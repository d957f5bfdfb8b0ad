/** Clients that go on while processes end and begin, and know what they were told. */

import { createHash, randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import {
  type Credentials,
  madeCredentials,
  type RunningServer,
  serve,
  temporaryDirectory,
} from '../facetProcess.ts';
import { NfsClient } from '../nfsClient.ts';
import { presign } from '../presign.ts';
import { FLAGS } from './processes.ts';

interface Client {
  ask(method: 'GET' | 'PUT' | 'DELETE', path: string, body?: Buffer): Promise<Response>;
}

export function clientOf(server: RunningServer, as: Credentials): Client {
  return {
    ask: (method, path, body) =>
      fetch(presign(method, `${server.serving.s3.url}${path}`, as), { method, ...(body && { body }) }),
  };
}

/** Sizes of each shape in which bytes are stored. */
export const SIZES = [0, 700, 5_000, 90_000, 400_000];

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

export async function expectAllOf(writers: readonly Writer[], client: Client): Promise<void> {
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

/** @param flags how many workers. {@link FLAGS} unless told */
export async function begin(flags: readonly string[] = FLAGS) {
  const data = temporaryDirectory();
  const server = await serve({ data, flags });
  const root = madeCredentials(server);
  const client = clientOf(server, root);
  expect((await client.ask('PUT', '/bucket')).status).toBe(200);
  const writers = ['a', 'b', 'c', 'd'].map((name) => new Writer(client, name));
  await expect.poll(() => writers.every(({ count }) => count > SIZES.length)).toBe(true);
  return { data, server, root, client, writers };
}

/** Comes as a new client of NFS again and again, until told to stop. */
export class NfsVisitor {
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

export async function end(writers: readonly Writer[]): Promise<void> {
  const before = writers.map(({ count }) => count);
  // All of them go on.
  await expect
    .poll(() => writers.every(({ count }, n) => count > (before[n] ?? 0) + SIZES.length))
    .toBe(true);
  await Promise.all(writers.map((writer) => writer.stop()));
}

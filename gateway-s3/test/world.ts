/** A gateway on a port of its own over an empty store, and clients of two accounts. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Core, openCore, systemEnvironment } from '@facet/core';
import { MemoryEngine, openLmdbEngine } from '@facet/engine';
import { LocalExtentStore, NodeDisk } from '@facet/extents';
import { createS3Gateway, type TlsOptions } from '@facet/gateway-s3';
import { S3TestClient } from './client.ts';

export interface World {
  readonly core: Core;
  readonly port: number;
  /** Where the containers of bytes lie. */
  readonly extents: string;
  /** Of account `alice`. */
  readonly alice: S3TestClient;
  readonly bob: S3TestClient;
  /** What was logged as an error: a test that expects none should find none. */
  readonly errors: object[];
  close(): Promise<void>;
}

export interface WorldOptions {
  readonly engine?: 'memory' | 'lmdb';
  readonly tls?: TlsOptions;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
}

export const DOMAIN = 's3.test';
const ALICE = { accessKeyId: 'AKIAALICE', secretKey: 'alice-secret-alice-secret' };
const BOB = { accessKeyId: 'AKIABOB', secretKey: 'bob-secret-bob-secret-bob' };

export async function startWorld({
  engine = 'memory',
  tls,
  now = Date.now,
}: WorldOptions = {}): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'facet-s3-'));
  const extents = join(folder, 'extents');
  const core = await openCore({
    engine:
      engine === 'memory'
        ? new MemoryEngine()
        : await openLmdbEngine({ path: join(folder, 'meta'), mapSizeBytes: 1 << 30 }),
    openExtents: async (lease) => new LocalExtentStore({ disk: new NodeDisk(extents), lease }),
    environment: systemEnvironment(),
  });
  await core.accounts.createKey({ account: 'alice', createAccount: { displayName: 'Alice' }, ...ALICE });
  await core.accounts.createKey({ account: 'bob', createAccount: { displayName: 'Bob' }, ...BOB });
  const errors: object[] = [];
  const log = { error: (fields: object) => void errors.push(fields), warn: () => undefined };
  const gateway = createS3Gateway({ core, domain: DOMAIN, log, now, ...(tls && { tls }) });
  const { port } = await gateway.listen({ host: '127.0.0.1', port: 0 });
  const alice = new S3TestClient(port, ALICE);
  const bob = new S3TestClient(port, BOB);
  return {
    core,
    port,
    extents,
    alice,
    bob,
    errors,
    close: async () => {
      alice.close();
      bob.close();
      await gateway.close();
      await core.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A gateway on a port of its own over an empty core, and clients of two accounts. */
import type { Core } from '@facet/core';
import { createS3Gateway } from '@facet/gateway-s3';
import { S3TestClient } from './client.ts';
import { createMemoryCore } from './memoryCore.ts';

export interface World {
  readonly core: Core;
  readonly port: number;
  /** Of account `alice`. */
  readonly alice: S3TestClient;
  readonly bob: S3TestClient;
  /** What was logged as an error: a test that expects none should find none. */
  readonly errors: object[];
  close(): Promise<void>;
}

const ALICE = { accessKeyId: 'AKIAALICE', secretKey: 'alice-secret' };
const BOB = { accessKeyId: 'AKIABOB', secretKey: 'bob-secret' };

export async function startWorld(): Promise<World> {
  const core = createMemoryCore();
  await core.accounts.createKey({ account: 'alice', createAccount: {}, ...ALICE });
  await core.accounts.createKey({ account: 'bob', createAccount: {}, ...BOB });
  const errors: object[] = [];
  const log = {
    error: (fields: object) => {
      errors.push(fields);
      console.error(fields);
    },
    warn: () => undefined,
  };
  const gateway = createS3Gateway({ core, domain: 's3.test', log, now: Date.now });
  const { port } = await gateway.listen({ host: '127.0.0.1', port: 0 });
  const alice = new S3TestClient(port, ALICE);
  const bob = new S3TestClient(port, BOB);
  return {
    core,
    port,
    alice,
    bob,
    errors,
    close: async () => {
      alice.close();
      bob.close();
      await gateway.close();
      await core.close();
    },
  };
}

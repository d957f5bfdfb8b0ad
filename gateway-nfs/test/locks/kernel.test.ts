/** Locks as two Linux kernels see them. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Core, openCore, systemEnvironment } from '@facet/core';
import { openLmdbEngine } from '@facet/engine';
import { LocalExtentStore, NodeDisk } from '@facet/extents';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createNfsGateway, type NfsGateway } from '../../src/gateway.ts';
import { createLocateFile } from '../../src/locks/locateFile.ts';
import { type LockService, openLockService } from '../../src/locks/lockService.ts';
import { FileHandles } from '../../src/nfs/handles.ts';
import { createUdpServer, type UdpServer } from '../../src/rpc/udpServer.ts';
import { KERNEL_CLIENT, KernelClient } from './kernelClient.ts';

const log = {
  error: (fields: object, message: string) => console.error(message, fields),
  warn: (fields: object, message: string) => console.warn(message, fields),
  info: () => undefined,
};
const handleKey = Buffer.alloc(32, 5);
const GRACE_MS = 8000;

/** Takes a lock on the first bytes of a file, says so, and keeps it until `release` is there. */
const HOLDER = `
import fcntl, os, sys, time
file, how, marker = sys.argv[1:4]
f = open(file, 'r+b')
try: fcntl.lockf(f, fcntl.LOCK_EX | (0 if how == 'wait' else fcntl.LOCK_NB), 100, 10)
except OSError as e: print('busy', flush=True); sys.exit()
print('locked', flush=True)
open(marker + '.locked', 'w').close()
while how != 'try' and not os.path.exists(marker + '.release'): time.sleep(0.05)
`;

let folder: string;
let core: Core;
let gateway: NfsGateway;
let udp: UdpServer;
let locks: LockService;
let port = 0;
const clients: KernelClient[] = [];

async function serve(): Promise<void> {
  const { files, volumes } = core;
  locks = await openLockService({
    locate: createLocateFile({ files, volumes, handles: new FileHandles(handleKey) }),
    store: core.lockHosts,
    log,
    graceMs: GRACE_MS,
  });
  const { programs } = locks;
  gateway = createNfsGateway({
    ...{ core, log, handleKey, programs },
    writeVerifier: Buffer.alloc(8, 1),
    roomBytes: async () => 2 ** 30,
  });
  ({ port } = await gateway.listen({ host: '127.0.0.1', port }));
  // A client that has booted tells so over UDP alone.
  udp = createUdpServer({ programs, log });
  await udp.listen({ host: '127.0.0.1', port });
  locks.announce();
}

async function stopServing(): Promise<void> {
  await gateway.close();
  await udp.close();
  await locks.close();
}

async function boot(id: string, address: string): Promise<KernelClient> {
  const client = await KernelClient.boot({ id, address, port, exportPath: '/vol', folder });
  clients.push(client);
  await client.exec(`cat >/tmp/lock.py <<'END'${HOLDER}END`);
  return client;
}

const lockWith = (client: KernelClient, how: 'hold' | 'wait' | 'try', marker = 'none') =>
  client.exec(`python3 /tmp/lock.py file ${how} ${folder}/${marker}`);
/** Resolves when the client has it: `after` is what it may not have happened before. */
const whenLocked = (client: KernelClient, marker: string) =>
  client.exec(`while [ ! -e ${folder}/${marker}.locked ]; do sleep 0.05; done`);
const release = (client: KernelClient, marker: string) => client.exec(`touch ${folder}/${marker}.release`);

describe.skipIf(KERNEL_CLIENT === undefined)(
  'two kernels (FACET_NFS_CLIENT names the program that boots them)',
  () => {
    let a: KernelClient;
    let b: KernelClient;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'facet-locks-'));
      core = await openCore({
        engine: await openLmdbEngine({ path: join(folder, 'meta'), mapSizeBytes: 1 << 30 }),
        openExtents: async (lease) =>
          new LocalExtentStore({ disk: new NodeDisk(join(folder, 'extents')), lease }),
        environment: systemEnvironment(),
      });
      await core.accounts.create({ name: 'tester' });
      const { id } = await core.volumes.create({ name: 'vol', owner: 'tester' });
      await core.volumes.setExport(id, { squash: 'none' });
      await serve();
      [a, b] = await Promise.all([boot('one', '127.0.0.81'), boot('two', '127.0.0.82')]);
      await a.exec('echo some bytes >file; sync');
    });

    afterAll(async () => {
      await Promise.all(clients.map((client) => client.stop().catch(() => undefined)));
      await stopServing();
      await core.close();
      await rm(folder, { recursive: true, force: true });
    });

    test('a lock of one is a lock for the other, which is called back when it is free', async () => {
      const held = lockWith(a, 'hold', 'held');
      await whenLocked(a, 'held');
      expect(await lockWith(b, 'try')).toBe('busy\n');
      const waited = lockWith(b, 'wait', 'waited');
      await expect.poll(() => locks.counts.waiters).toBe(1);
      const began = Date.now();
      await release(a, 'held');
      await whenLocked(b, 'waited');
      // By itself a kernel asks again after 30 s.
      expect(Date.now() - began).toBeLessThan(15_000);
      expect(await lockWith(a, 'try')).toBe('busy\n');
      await release(b, 'waited');
      expect([await held, await waited]).toEqual(['locked\n', 'locked\n']);
      await expect.poll(() => locks.counts).toEqual({ locks: 0, waiters: 0, shares: 0 });
    });

    test('a waiter that is interrupted leaves nothing behind', async () => {
      const held = lockWith(a, 'hold', 'kept');
      await whenLocked(a, 'kept');
      const interrupted = b.exec(`timeout -s INT 3 python3 /tmp/lock.py file wait ${folder}/never; true`);
      await expect.poll(() => locks.counts.waiters).toBe(1);
      await interrupted;
      await expect.poll(() => locks.counts).toEqual({ locks: 1, waiters: 0, shares: 0 });
      await release(a, 'kept');
      await held;
      await expect.poll(() => locks.counts.locks).toBe(0);
    });

    test('locks outlive a restart of the server', async () => {
      const held = lockWith(a, 'hold', 'reclaimed');
      await whenLocked(a, 'reclaimed');
      await stopServing();
      await serve();
      expect(locks.counts.locks).toBe(0);
      const began = Date.now();
      await expect.poll(() => locks.counts.locks, { timeout: GRACE_MS }).toBe(1);
      await locks.graceOver;
      // It was closed, and knows that this is all that was held.
      expect(Date.now() - began).toBeLessThan(GRACE_MS / 2);
      expect(await lockWith(b, 'try')).toBe('busy\n');
      await release(a, 'reclaimed');
      await held;
      expect(await lockWith(b, 'try')).toBe('locked\n');
    });

    test('what a kernel held goes to who waits when it boots again', async () => {
      const held = lockWith(a, 'hold', 'lost').catch(() => 'lost');
      await whenLocked(a, 'lost');
      // What a disk would keep: whom to tell after a crash.
      await a.exec(`cp -a /var/lib/nfs ${folder}/nsm`);
      const waited = lockWith(b, 'wait', 'inherited');
      await expect.poll(() => locks.counts.waiters).toBe(1);
      await a.kill();
      await held;
      expect(locks.counts).toMatchObject({ locks: 1, waiters: 1 });
      a = await boot('one', '127.0.0.81');
      await a.exec(`cp -a ${folder}/nsm/. /var/lib/nfs/ && sm-notify -f`);
      await whenLocked(b, 'inherited');
      await release(b, 'inherited');
      expect(await waited).toBe('locked\n');
    });
  },
);

/**
 * One tree through both doors: put by S3 and read on a Linux kernel's mount, written on the mount and got by S3.
 * `FACET_NFS_CLIENT` names the program that boots the kernel: `PROGRAM run … -- COMMAND` runs a command in the mount.
 */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type Core, openCore, systemEnvironment } from '@facet/core';
import { openLmdbEngine } from '@facet/engine';
import { LocalExtentStore, NodeDisk } from '@facet/extents';
import { createNfsGateway, type NfsGateway } from '@facet/gateway-nfs';
import { createS3Gateway, type S3Gateway } from '@facet/gateway-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Caller, sendExpectingSuccess, textsOf } from '../wire/send.ts';
import { sha256Hex } from '../wire/sigv4.ts';

const CLIENT = process.env['FACET_NFS_CLIENT'];
const CLIENT_ADDRESS = '127.0.0.93';
const run = promisify(execFile);

const PUT_BY_S3: Readonly<Record<string, Buffer>> = {
  'top.txt': Buffer.from('at the top'),
  empty: Buffer.alloc(0),
  'a/b/deep.bin': Buffer.alloc(300_000, 'deep'),
  'a/large.bin': Buffer.alloc(5 << 20, 'a line that is not a power of two\n'),
  twin: Buffer.from('the file'),
  'twin/below': Buffer.from('under the directory'),
};

/** Where a mount shows what S3 has under a key. */
const SHOWN: Readonly<Record<string, string>> = { twin: '@s3file=twin' };

let folder: string;
let core: Core;
let nfs: NfsGateway;
let s3: S3Gateway;
let nfsPort: number;
let caller: Caller;

/** Runs a shell command in the mount of `/vol`; resolves to what it writes. */
async function onMount(command: string): Promise<string> {
  if (CLIENT === undefined) throw new Error('FACET_NFS_CLIENT names no client');
  const { stdout } = await run(CLIENT, [
    'run',
    ...['--server-port', String(nfsPort), '--export', '/vol', '--mount-opts', 'nolock'],
    ...['--client-ip', CLIENT_ADDRESS, '--timeout', '100', '--', command],
  ]);
  return stdout;
}

describe.skipIf(CLIENT === undefined)(
  'a kernel and S3 on one volume (FACET_NFS_CLIENT names the program that boots the kernel)',
  () => {
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'facet-doors-'));
      core = await openCore({
        engine: await openLmdbEngine({ path: join(folder, 'meta'), mapSizeBytes: 1 << 30 }),
        openExtents: async (lease) =>
          new LocalExtentStore({ disk: new NodeDisk(join(folder, 'extents')), lease }),
        environment: systemEnvironment(),
      });
      const credentials = { accessKeyId: 'AKIADOORS', secretAccessKey: 'doors-secret-doors-secret' };
      const { accessKeyId, secretAccessKey: secretKey } = credentials;
      await core.accounts.createKey({ account: 'tester', createAccount: {}, accessKeyId, secretKey });
      await core.volumes.create({ name: 'vol', owner: 'tester' });
      const log = { error: console.error, warn: console.warn, info: () => undefined };
      nfs = createNfsGateway({
        core,
        log,
        handleKey: Buffer.alloc(32, 3),
        writeVerifier: Buffer.alloc(8, 1),
        roomBytes: async () => 2 ** 40,
      });
      const address = { host: '127.0.0.1', port: 0 };
      ({ port: nfsPort } = await nfs.listen(address));
      s3 = createS3Gateway({ core, domain: 's3.test', log, now: Date.now });
      caller = { endpoint: { host: address.host, port: (await s3.listen(address)).port }, credentials };
    });

    afterAll(async () => {
      await nfs.close();
      await s3.close();
      await core.close();
      await rm(folder, { recursive: true, force: true });
    });

    test('what S3 put is what the mount reads', async () => {
      for (const [key, body] of Object.entries(PUT_BY_S3)) {
        await sendExpectingSuccess(caller, { method: 'PUT', path: `/vol/${key}`, body });
      }
      const read = await onMount('find . -type f | sort | while read -r f; do sha256sum "$f"; done');
      const sums = new Map(
        read
          .trim()
          .split('\n')
          .map((line) => [line.slice(68), line.slice(0, 64)]),
      );
      const wanted = Object.entries(PUT_BY_S3).map(
        ([key, body]) => [SHOWN[key] ?? key, sha256Hex(body)] as const,
      );
      expect(sums).toEqual(new Map(wanted));
    });

    test('what the mount writes is what S3 gets', async () => {
      const commands = [
        'mkdir -p made/in',
        'seq 1 100000 > made/in/numbers',
        'cp a/large.bin made/copy.bin',
        'printf "and more" >> top.txt',
        'ln top.txt made/linked',
        'ln -s in/numbers made/symlink',
        'mv a/b moved',
        'rm empty',
        'truncate -s 100000 moved/deep.bin',
        'sha256sum made/in/numbers made/copy.bin top.txt made/linked moved/deep.bin',
      ];
      const sums = (await onMount(commands.join(' && '))).trim().split('\n');
      expect(sums).toHaveLength(5);
      for (const line of sums) {
        const { body } = await sendExpectingSuccess(caller, { path: `/vol/${line.slice(66)}` });
        expect([line.slice(66), sha256Hex(body)]).toEqual([line.slice(66), line.slice(0, 64)]);
      }
      const { text } = await sendExpectingSuccess(caller, { path: '/vol?list-type=2' });
      // S3 lists the directories that the mount made, changed or named.
      expect(textsOf(text, 'Key')).toEqual(
        [
          ...['a/', 'a/large.bin', 'made/', 'made/copy.bin', 'made/in/', 'made/in/numbers', 'made/linked'],
          ...['made/symlink', 'moved/', 'moved/deep.bin', 'top.txt', 'twin', 'twin/below'],
        ].sort(),
      );
    });
  },
);

/** Facet, as it is built in this clone. */

import { execFile } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { NfsCalls } from '../nfsCalls.ts';
import { freePorts, startChild } from './child.ts';
import { BUCKET, CREDENTIALS, HOST, type Setup } from './server.ts';

const MAIN = fileURLToPath(new URL('../../../packages/server/bundle/main.js', import.meta.url));

/** What the version depends on, so that to change a test or the bench, or to keep its results, makes no other one of it. */
const SOURCES = [
  ...['core', 'gateway-nfs', 'gateway-s3', 'packages', 'package-lock.json'],
  ':(exclude,glob)**/test/**',
];

export async function facet(): Promise<Setup[]> {
  return [
    {
      name: 'Facet',
      version: `${await commit()}, Node ${process.version}`,
      durability: 'everything',
      how: 'by itself',
      renames: 'RENAME by NFS, one transaction',
      async start(folder) {
        const [s3 = 0, admin = 0, nfs = 0] = await freePorts(3);
        const at = (port: number) => `${HOST}:${port}`;
        const data = join(folder, 'data');
        await mkdir(data);
        const child = await startChild({
          program: process.execPath,
          words: [
            ...profileFlags(),
            ...[MAIN, 'serve', '--data', data, '--s3', at(s3), '--admin', at(admin), '--nfs', at(nfs)],
          ],
          env: {
            FACET_ROOT_ACCESS_KEY: CREDENTIALS.accessKeyId,
            FACET_ROOT_SECRET_KEY: CREDENTIALS.secretAccessKey,
            FACET_LOG_LEVEL: 'warn',
          },
          folder,
          port: s3,
        });
        let mounted: Promise<NfsCalls> | undefined;
        return {
          ...child,
          endpoint: { host: HOST, port: s3 },
          async renameDirectory(from, to) {
            mounted ??= NfsCalls.mount({ nfsPort: nfs, mountPort: nfs, exportPath: `/${BUCKET}` });
            await (await mounted).rename(from, to);
          },
          async stop() {
            (await mounted?.catch(() => undefined))?.[Symbol.dispose]();
            await child.stop();
          },
        };
      },
    },
  ];
}

/** The newest that changed the sources, and whether they were changed since. */
async function commit(): Promise<string> {
  const cwd = fileURLToPath(new URL('../../..', import.meta.url));
  const git = async (...words: string[]) => {
    const { stdout } = await promisify(execFile)('git', [...words, '--', ...SOURCES], { cwd });
    return stdout.trim();
  };
  try {
    const newest = await git('log', '--max-count=1', '--format=%h');
    return (await git('status', '--porcelain')) === '' ? newest : `${newest}-dirty`;
  } catch {
    return 'of an unknown commit';
  }
}

/** For a profile of the server alone. */
function profileFlags(): string[] {
  const folder = process.env['FACET_BENCH_PROFILE'];
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}

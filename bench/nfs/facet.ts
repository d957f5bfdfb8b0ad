/** Facet with one volume, exported without squashing. */

import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { SERVER_CORE } from '../load/process.ts';
import type { NfsServer } from './server.ts';

const run = promisify(execFile);
const MAIN = fileURLToPath(new URL('../../packages/server/bundle/main.js', import.meta.url));
const HOST = '127.0.0.1';
const VOLUME = 'bench';

/** @param folder for its data */
export async function startFacet(folder: string): Promise<NfsServer> {
  const anyPort = `${HOST}:0`;
  const flags = ['--data', folder, '--s3', anyPort, '--admin', anyPort, '--nfs', anyPort, '--json'];
  const child = spawn(
    'taskset',
    ['-c', String(SERVER_CORE), process.execPath, ...nodeFlags(), MAIN, 'serve', ...flags],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: {
        ...process.env,
        FACET_ROOT_ACCESS_KEY: 'BENCHMARKKEY',
        FACET_ROOT_SECRET_KEY: 'benchmark-secret-key',
        FACET_LOG_LEVEL: 'warn',
      },
    },
  );
  const ended = once(child, 'exit');
  const line = await Promise.race([
    once(createInterface({ input: child.stdout }), 'line').then(([first]) => String(first)),
    ended.then(([code]) => Promise.reject(new Error(`facet serve ended with ${code}`))),
  ]);
  const port: unknown = Object(JSON.parse(line)).nfs?.port;
  if (typeof port !== 'number' || child.pid === undefined) throw new Error(`facet serve printed ${line}`);
  await run(process.execPath, [MAIN, 'volume', 'create', VOLUME, '--data', folder]);
  await run(process.execPath, [MAIN, 'export', 'set', VOLUME, '--squash', 'none', '--data', folder]);
  return {
    pid: child.pid,
    nfsPort: port,
    mountPort: port,
    exportPath: `/${VOLUME}`,
    async stop() {
      child.kill('SIGTERM');
      await ended;
    },
  };
}

/** For a profile of the server alone. */
function nodeFlags(): string[] {
  const folder = process.env['FACET_BENCH_PROFILE'];
  return folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}

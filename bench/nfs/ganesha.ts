/**
 * NFS-Ganesha as the peer, over its VFS back end: `FACET_PEER_GANESHA`, or `peer-ganesha` on the path, names a program
 * that runs it. `PROGRAM start --dir DIR --export PATH --port N --mount-port N --state DIR` leaves one running that
 * serves DIR to the loopback address, its process id in `DIR/ganesha.pid` of the state; `PROGRAM stop --state DIR`
 * ends it. `PROGRAM install` has the machine's package manager install it, which is asked for where there is no
 * `ganesha.nfsd`.
 */

import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { access, constants, mkdir, open, readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { SERVER_CORE } from '../load/process.ts';
import type { NfsServer } from './server.ts';

const run = promisify(execFile);
const EXPORT_PATH = '/bench';
const INSTALL_MS_MAX = 600_000;

/** @returns the program that runs it, and has installed it where it was not; undefined where there is none */
export async function findGanesha(): Promise<string | undefined> {
  const program = await namedProgram();
  if (program !== undefined && versionOfGanesha() === undefined) {
    await run(program, ['install'], { timeout: INSTALL_MS_MAX, maxBuffer: 1 << 26 });
  }
  return program;
}

/** @returns undefined where it is not installed */
export function versionOfGanesha(): string | undefined {
  const { error, stdout } = spawnSync('ganesha.nfsd', ['-v'], { encoding: 'utf8' });
  return error ? undefined : (/Release = (\S+)/.exec(stdout)?.[1] ?? stdout.trim().split('\n')[0]);
}

async function namedProgram(): Promise<string | undefined> {
  const named = process.env['FACET_PEER_GANESHA'];
  if (named !== undefined) return named;
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const program = join(folder, 'peer-ganesha');
    const found = await access(program, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (found) return program;
  }
  return undefined;
}

/** For people, where {@link findGanesha} finds none. */
export function whyNoGanesha(): string {
  const packages = versionOfGanesha()
    ? ''
    : '; ganesha.nfsd itself is in Debian’s nfs-ganesha and nfs-ganesha-vfs';
  return `FACET_PEER_GANESHA names no program that runs it, nor is there a peer-ganesha on the path${packages}`;
}

/** @param folder for its data and its state */
export async function startGanesha(program: string, folder: string): Promise<NfsServer> {
  const served = ganeshaData(folder);
  const state = join(folder, 'state');
  await mkdir(served);
  await mkdir(state);
  const [nfsPort, mountPort] = await freePorts();
  const words = [
    ...['start', '--dir', served, '--export', EXPORT_PATH, '--state', state],
    ...['--port', String(nfsPort), '--mount-port', String(mountPort)],
  ];
  const log = await open(join(folder, 'start.log'), 'w');
  // To a file: what it leaves running would hold a pipe open.
  const child = spawn('taskset', ['-c', String(SERVER_CORE), program, ...words], {
    stdio: ['ignore', log.fd, log.fd],
  });
  const [code] = await once(child, 'exit');
  await log.close();
  if (code !== 0) throw new Error(`${program} start: ${await readFile(join(folder, 'start.log'), 'utf8')}`);
  const pid = Number(await readFile(join(state, 'ganesha.pid'), 'utf8'));
  return {
    pid,
    nfsPort,
    mountPort,
    exportPath: EXPORT_PATH,
    async stop() {
      await run(program, ['stop', '--state', state]);
    },
  };
}

export const ganeshaData = (folder: string): string => join(folder, 'data');

/**
 * Has the file system put each change of names in `folder` on stable storage before it returns, as RFC 1813 asks of
 * a server and Ganesha does not do by itself.
 * @returns false where the file system can not
 */
export async function syncNames(folder: string): Promise<boolean> {
  try {
    await run('chattr', ['+D', folder]);
    return true;
  } catch {
    return false;
  }
}

/** Held together for a moment, so that they differ. */
async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()] as const;
  const ports = await Promise.all(
    servers.map(async (server) => {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      return typeof address === 'object' && address ? address.port : 0;
    }),
  );
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  const [one = 0, other = 0] = ports;
  return [one, other];
}

/** A server as a child process that logs into a file, and the wait until it listens. */

import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { promisify } from 'node:util';
import { HOST } from './server.ts';

const START_MS_MAX = 60_000;
const STOP_MS_MAX = 10_000;
const POLL_MS = 50;
const TOLD_CHARACTERS_MAX = 2000;

export interface Child {
  readonly pid: number;
  stop(): Promise<void>;
}

const running = new Set<ChildProcess>();
process.once('exit', () => {
  // One that has processes of its own ends them.
  for (const child of running) child.kill('SIGTERM');
});

/** @returns when the port answers. @throws Error with the end of its log when it ends or is too slow */
export async function startChild(options: {
  readonly program: string;
  readonly words: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly folder: string;
  readonly port: number;
}): Promise<Child> {
  const { program, words, env, folder, port } = options;
  const logFile = join(folder, 'server.log');
  const log = openSync(logFile, 'w');
  const child = spawn(program, words, {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  running.add(child);
  const ended = once(child, 'exit').then(() => running.delete(child));
  ended.catch(() => undefined);
  const until = performance.now() + START_MS_MAX;
  while (!(await answers(port))) {
    if (child.exitCode !== null || child.pid === undefined || performance.now() > until) {
      child.kill('SIGKILL');
      const said = readFileSync(logFile, 'utf8').slice(-TOLD_CHARACTERS_MAX);
      throw new Error(`${program} does not serve: ${said}`);
    }
    await wait(POLL_MS);
  }
  return {
    pid: child.pid ?? 0,
    async stop() {
      child.kill('SIGTERM');
      const patience = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
      await ended;
      clearTimeout(patience);
    },
  };
}

async function answers(port: number): Promise<boolean> {
  const socket = connect({ host: HOST, port });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** Held together for a moment, so that they differ. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer());
  const ports = await Promise.all(
    servers.map(async (server) => {
      server.listen(0, HOST);
      await once(server, 'listening');
      const address = server.address();
      return typeof address === 'object' && address ? address.port : 0;
    }),
  );
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}

/**
 * Has the file system put what is written below a folder (S) and each change of names in it (D) on stable storage
 * before the call that does it returns: for servers that have no way of their own. What is made in it inherits that.
 */
export async function synchronous(folder: string, what: 'SD' | 'D'): Promise<void> {
  await promisify(execFile)('chattr', [`+${what}`, folder]);
}

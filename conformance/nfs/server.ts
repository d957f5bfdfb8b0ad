/** A server with both doors open that can be killed and started again on the same data and the same ports. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../runner/command.ts';
import { BUILT_COMMANDS } from '../server/launch.ts';
import { type Serving, servingOf } from '../server/serving.ts';
import { type Caller, sendExpectingSuccess } from '../wire/send.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CREDENTIALS = { accessKeyId: 'AKIATWODOORSTWODOORS', secretAccessKey: 'two-doors'.repeat(4) };
const COMMAND_MS_MAX = 120_000;
const FSCK_MS_MAX = 600_000;

export interface TwoDoors {
  readonly caller: Caller;
  readonly nfsPort: number;
  /** Of the process that serves now. */
  readonly pid: number;
  /** Where health checks are answered, as `http://HOST:PORT`. */
  readonly adminUrl: string;
  /** Makes a bucket by S3, and exports it to clients that say who their users are. */
  addVolume(name: string): Promise<void>;
  /** Runs a `facet` command on its store. @throws CommandFailed */
  facet(...words: readonly string[]): Promise<void>;
  /** kill -9. Resolves when the process is gone. */
  kill(): Promise<void>;
  /** Starts it after a kill, on the ports it had. */
  restart(): Promise<void>;
  /** SIGTERM, then `facet fsck --full`. @throws Error when it ended with another code than 0, or damage was found */
  stopAndProve(): Promise<void>;
}

interface Running {
  readonly serving: Serving;
  readonly pid: number;
  end(signal: 'SIGTERM' | 'SIGKILL'): Promise<string>;
}

/** `folder` is made and keeps the log, and the data unless they are to be elsewhere. Builds first. */
export async function startTwoDoors(folder: string, data = join(folder, 'data')): Promise<TwoDoors> {
  mkdirSync(folder);
  await runCommand('npm', ['run', 'build'], { cwd: ROOT, timeoutMs: COMMAND_MS_MAX });
  let running = await serve(folder, data);
  const { serving } = running;
  const caller: Caller = { endpoint: serving.s3, credentials: CREDENTIALS };
  const [facet, ...words] = BUILT_COMMANDS.facet;
  const command = (timeoutMs: number, ...more: readonly string[]) =>
    runCommand(facet, [...words, ...more, '--data', data], { timeoutMs, env: environment() });
  return {
    caller,
    nfsPort: serving.nfs.port,
    get pid() {
      return running.pid;
    },
    adminUrl: `http://${serving.admin.host}:${serving.admin.port}`,
    addVolume: async (name) => {
      await sendExpectingSuccess(caller, { method: 'PUT', path: `/${name}` });
      await command(COMMAND_MS_MAX, 'export', 'set', name, '--squash', 'none');
    },
    facet: async (...words) => {
      await command(COMMAND_MS_MAX, ...words);
    },
    kill: async () => {
      await running.end('SIGKILL');
    },
    restart: async () => {
      running = await serve(folder, data, serving);
    },
    stopAndProve: async () => {
      const how = await running.end('SIGTERM');
      if (how !== '0') throw new Error(`the server ended with ${how}, not 0: see ${folder}`);
      await command(FSCK_MS_MAX, 'fsck', '--full');
    },
  };
}

async function serve(folder: string, data: string, ports?: Serving): Promise<Running> {
  const [program, ...words] = BUILT_COMMANDS.serve;
  const listen = (['s3', 'admin', 'nfs'] as const).flatMap((door) => [
    `--${door}`,
    `127.0.0.1:${ports?.[door].port ?? 0}`,
  ]);
  const child = spawn(program, [...words, '--data', data, ...listen, '--json', '--log-level', 'warn'], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: environment(),
  });
  child.stderr.pipe(createWriteStream(join(folder, 'server.log'), { flags: 'a' }));
  const leaveNothing = (): void => void child.kill('SIGKILL');
  process.once('exit', leaveNothing);
  const ended = once(child, 'close').then(([code, signal]) => {
    process.off('exit', leaveNothing);
    return String(signal ?? code);
  });
  const first = once(createInterface({ input: child.stdout }), 'line').then(([line]) => String(line));
  const outcome = await Promise.race([first.then((line) => ({ line })), ended.then((how) => ({ how }))]);
  if ('how' in outcome) throw new Error(`the server ended (${outcome.how}) before it served: see ${folder}`);
  const serving = servingOf(outcome.line);
  if (child.pid === undefined) throw new Error('a process that serves has no pid');
  return {
    serving,
    pid: child.pid,
    end: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
}

/** Nothing that the caller's shell says of a Facet of his own may reach this one. */
function environment(): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    FACET_ROOT_ACCESS_KEY: CREDENTIALS.accessKeyId,
    FACET_ROOT_SECRET_KEY: CREDENTIALS.secretAccessKey,
  };
}

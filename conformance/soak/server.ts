/** The server under test: started on data that is there, stopped by asking or by kill -9, checked at rest. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { CommandFailed, runCommand } from '../runner/command.ts';
import { BUILT_COMMANDS } from '../server/launch.ts';
import type { Endpoint } from '../wire/send.ts';
import type { Credentials } from '../wire/sigv4.ts';

const CREDENTIALS: Credentials = { accessKeyId: 'SOAKSOAKSOAKSOAKSOAK', secretAccessKey: 'soak'.repeat(10) };
const FSCK_MS = 600_000;
/** pino's number for `error`: recovery tells of lost bytes by it. */
const LEVEL_ERROR = 50;

export interface SoakServer {
  readonly endpoint: Endpoint;
  readonly credentials: Credentials;
  /** From the start of the process until it said that it serves. */
  readonly readyMs: number;
  /** Resolves when the process has ended, to its exit code or signal. */
  readonly ended: Promise<string>;
  /** kill -9. Resolves when the process is gone. */
  kill(): Promise<void>;
  /** SIGTERM. @returns how it ended: `0` if all is well */
  stop(): Promise<string>;
}

export interface ServerOptions {
  readonly data: string;
  /** What it logs is added to this. */
  readonly logFile: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Told of each line that says that something went wrong. */
  readonly onError: (line: string) => void;
  /** Kills it that long after it was started, if it does not serve by then. */
  readonly killedAfterMs?: number;
}

/** @returns undefined when it was killed before it served. @throws Error when it ended by itself */
export async function startServer(options: ServerOptions): Promise<SoakServer | undefined> {
  const [program, ...words] = BUILT_COMMANDS.serve;
  const began = performance.now();
  const child = spawn(
    program,
    [
      ...words,
      '--data',
      options.data,
      '--s3',
      '127.0.0.1:0',
      '--admin',
      '127.0.0.1:0',
      '--nfs',
      '127.0.0.1:0',
      '--json',
    ],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        FACET_ROOT_ACCESS_KEY: CREDENTIALS.accessKeyId,
        FACET_ROOT_SECRET_KEY: CREDENTIALS.secretAccessKey,
        ...options.environment,
      },
    },
  );
  createInterface({ input: child.stderr }).on('line', (line) => {
    appendFileSync(options.logFile, `${line}\n`);
    const error = errorIn(line);
    if (error !== undefined) options.onError(error);
  });
  const leaveNothing = (): void => void child.kill('SIGKILL');
  process.once('exit', leaveNothing);
  const ended = once(child, 'close').then(([code, signal]) => {
    process.off('exit', leaveNothing);
    return String(signal ?? code);
  });
  const first = once(createInterface({ input: child.stdout }), 'line').then(([line]) => String(line));
  const { killedAfterMs } = options;
  const timer =
    killedAfterMs === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), killedAfterMs);
  const outcome = await Promise.race([first.then((line) => ({ line })), ended.then((how) => ({ how }))]);
  clearTimeout(timer);
  if ('how' in outcome) {
    if (killedAfterMs !== undefined && outcome.how === 'SIGKILL') return undefined;
    throw new Error(`the server ended (${outcome.how}) before it served`);
  }
  const serving: { readonly s3: Endpoint } = JSON.parse(outcome.line);
  return {
    endpoint: { host: serving.s3.host, port: serving.s3.port },
    credentials: CREDENTIALS,
    readyMs: performance.now() - began,
    ended,
    kill: async () => {
      child.kill('SIGKILL');
      await ended;
    },
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

/** What a line of the log says of an error, undefined when it tells of none. What is no log is one. */
function errorIn(line: string): string | undefined {
  let entry: { readonly level?: number; readonly msg?: string; readonly err?: { readonly message?: string } };
  try {
    entry = JSON.parse(line);
  } catch {
    return `the server wrote: ${line}`;
  }
  if ((entry.level ?? LEVEL_ERROR) < LEVEL_ERROR) return undefined;
  const { level, time, pid, msg, err, ...rest } = { time: 0, pid: 0, ...entry };
  return `the server logged: ${msg}: ${err?.message ?? JSON.stringify(rest)}`;
}

/** Runs `facet fsck --full`. @returns what is wrong, undefined when the store is clean */
export async function fsckFault(data: string): Promise<string | undefined> {
  const [program, ...words] = BUILT_COMMANDS.facet;
  try {
    await runCommand(program, [...words, 'fsck', '--full', '--data', data, '--json'], { timeoutMs: FSCK_MS });
    return undefined;
  } catch (error) {
    if (error instanceof CommandFailed) return `fsck: ${error.message}`;
    throw error;
  }
}

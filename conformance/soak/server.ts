/** The server under test: started on data that is there, stopped by asking or by kill -9, checked at rest. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { CommandFailed, runCommand } from '../runner/command.ts';
import { BUILT_COMMANDS } from '../server/launch.ts';
import { type Serving, servingOf } from '../server/serving.ts';
import type { Endpoint } from '../wire/send.ts';
import type { Credentials } from '../wire/sigv4.ts';

const CREDENTIALS: Credentials = { accessKeyId: 'SOAKSOAKSOAKSOAKSOAK', secretAccessKey: 'soak'.repeat(10) };
const FSCK_MS = 600_000;
/** pino's number for `error`: recovery tells of lost bytes by it. */
const LEVEL_ERROR = 50;

export interface SoakServer {
  readonly endpoint: Endpoint;
  readonly nfsEndpoint: Endpoint;
  readonly credentials: Credentials;
  /** From the start of the process until it said that it serves. */
  readonly readyMs: number;
  /** Resolves when the process has ended, to its exit code or signal. */
  readonly ended: Promise<string>;
  /** kill -9 of all its processes. Resolves when they are gone. */
  kill(): Promise<void>;
  /** kill -9 of one of several, the supervisor excepted. @returns its name, undefined when there is none */
  killOne(pick: (names: readonly string[]) => string | undefined): string | undefined;
  /** SIGHUP: every process but the supervisor is replaced by a new one. Resolves when that is over, also where it failed. */
  replaceAll(): Promise<void>;
  /** SIGTERM. @returns how it ended: `0` if all is well */
  stop(): Promise<string>;
}

export interface ServerOptions {
  readonly data: string;
  /** Processes that serve S3; 0: one process serves everything. */
  readonly workers: number;
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
      '--workers',
      String(options.workers),
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
  let replaced = Promise.withResolvers<void>();
  createInterface({ input: child.stderr }).on('line', (line) => {
    appendFileSync(options.logFile, `${line}\n`);
    const entry = entryOf(line);
    const error = errorIn(line, entry);
    if (error !== undefined) options.onError(error);
    if (OF_REPLACED.includes(String(entry?.['msg']))) replaced.resolve();
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
  const { s3, nfs } = servedBy(child, outcome.line);
  return {
    endpoint: s3,
    nfsEndpoint: nfs,
    credentials: CREDENTIALS,
    readyMs: performance.now() - began,
    ended,
    kill: async () => {
      const others = [...childrenOf(child.pid).values()];
      child.kill('SIGKILL');
      for (const other of others) killIfThere(other);
      await ended;
    },
    killOne: (pick) => {
      const children = childrenOf(child.pid);
      const name = pick([...children.keys()].sort());
      const pid = name === undefined ? undefined : children.get(name);
      if (pid !== undefined) killIfThere(pid);
      return name;
    },
    replaceAll: async () => {
      replaced = Promise.withResolvers();
      child.kill('SIGHUP');
      await Promise.race([replaced.promise, ended]);
    },
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

/** @throws Error where it does not say so, and ends it */
function servedBy(child: ChildProcess, line: string): Serving {
  try {
    return servingOf(line);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
}

/** By the names they go by: `facet store`, `facet s3-1` … */
function childrenOf(pid: number | undefined): ReadonlyMap<string, number> {
  const children = new Map<string, number>();
  try {
    for (const child of readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')) {
      const name = readFileSync(`/proc/${child}/cmdline`, 'utf8').replace(/\0+$/, '');
      if (/^facet [\w-]+$/.test(name)) children.set(name, Number(child));
    }
  } catch {
    // One of them has just ended.
  }
  return children;
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}

/** What a supervisor says of processes that were killed. */
const OF_KILLS =
  /^(?:a worker ended, and is started again|a worker ends again and again: it is started again later|the process of the store ended(?: before it served)?, and is started again)$/;
const NOT_REPLACED_YET = 'a worker could not be replaced: it is tried again';
const NOT_ALL_REPLACED = 'not every process could be replaced: the old ones serve on';
const OF_REPLACED = ['every process was replaced', NOT_ALL_REPLACED];
/** Where one or all are replaced, and the new one was killed. */
const OF_KILLED_SUCCESSOR = [NOT_REPLACED_YET, NOT_ALL_REPLACED].map(
  (replacing) => `${replacing}: the process ended before it said ready`,
);

/** What a line of the log says of an error, undefined when it tells of none. What is no log is one. */
function errorIn(line: string, entry: ReturnType<typeof entryOf>): string | undefined {
  if (entry === undefined) return `the server wrote: ${line}`;
  const { level, time, pid, msg, err, ...rest } = entry;
  if (typeof level === 'number' && level < LEVEL_ERROR) return undefined;
  const said = `${msg}: ${Object(err).message ?? JSON.stringify(rest)}`;
  return OF_KILLS.test(String(msg)) || OF_KILLED_SUCCESSOR.includes(said)
    ? undefined
    : `the server logged: ${said}`;
}

function entryOf(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const entry: unknown = JSON.parse(line);
    return typeof entry === 'object' && entry !== null ? { ...entry } : undefined;
  } catch {
    return undefined;
  }
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

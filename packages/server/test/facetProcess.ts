/** The real command as a process: built sources, real sockets, ports chosen by the system. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { z } from 'zod';

const MAIN = fileURLToPath(new URL('../bundle/main.js', import.meta.url));
/** As users start it. It becomes the server: the process is the same. */
const COMMAND = fileURLToPath(new URL('../bin/facet', import.meta.url));

const serving = z.object({
  version: z.string(),
  pid: z.number(),
  dataDirectory: z.string(),
  s3: z.object({ url: z.string(), host: z.string(), port: z.number(), domain: z.string() }),
  admin: z.object({ url: z.string(), host: z.string(), port: z.number() }),
  nfs: z
    .object({
      host: z.string(),
      port: z.number(),
      mountOptions: z.string(),
      portmap: z.union([z.string(), z.object({ host: z.string(), port: z.number() })]).optional(),
    })
    .optional(),
  rootCredentials: z.object({
    accessKeyId: z.string(),
    origin: z.enum(['made', 'kept', 'environment']),
    secretAccessKey: z.string().optional(),
    file: z.string().optional(),
  }),
});
type Serving = z.infer<typeof serving>;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface FacetProcess {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  stdout(): string;
  stderr(): string;
  /** Resolves as soon as what was written to a stream matches; rejects when the process ends without. */
  wrote(stream: 'stdout' | 'stderr', pattern: RegExp): Promise<void>;
}

/** Where clean-up is left; the running test's end, unless told. */
export type Deferral = (work: () => void) => void;

interface StartOptions {
  readonly environment?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly defer?: Deferral;
  /** Has writes past a limit on the size of files fail, where they would end the process. */
  readonly survivesFileLimits?: boolean;
  /** What starts the command, whose words it gets as its last ones. */
  readonly under?: readonly string[];
}

export function temporaryDirectory(defer: Deferral = onTestFinished): string {
  const directory = mkdtempSync(join(tmpdir(), 'facet-server-'));
  defer(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

export function startFacet(words: readonly string[], options: StartOptions = {}): FacetProcess {
  if (!existsSync(MAIN)) throw new Error(`${MAIN} is not built: run 'npm run build' first`);
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('FACET_'));
  const command = [COMMAND, ...words];
  const patient = ['sh', '-c', `trap '' XFSZ; exec "$0" "$@"`];
  const wrapper = options.under ?? (options.survivesFileLimits ? patient : []);
  const [program = COMMAND, ...parameters] = [...wrapper, ...command];
  const child = spawn(program, parameters, {
    cwd: options.cwd ?? tmpdir(),
    env: { ...Object.fromEntries(inherited), ...options.environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  (options.defer ?? onTestFinished)(() => {
    child.kill('SIGKILL');
  });
  const text = { stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (chunk: string) => {
      text[name] += chunk;
    });
  }
  const ended = once(child, 'close').then(
    ([code, signal]): Ended => ({ code, signal, stdout: text.stdout, stderr: text.stderr }),
  );
  return {
    child,
    ended,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    wrote: (stream, pattern) => {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      const look = (): void => {
        if (pattern.test(text[stream])) resolve();
      };
      child[stream].on('data', look);
      look();
      void ended.then((end) =>
        reject(
          new Error(
            `facet ${words.join(' ')} ended (${end.code ?? end.signal}) without ${pattern}\n${end.stderr}`,
          ),
        ),
      );
      return promise.finally(() => child[stream].off('data', look));
    },
  };
}

/** Runs a command to its end. */
export function facet(words: readonly string[], options: StartOptions = {}): Promise<Ended> {
  return startFacet(words, options).ended;
}

/** The one JSON document that a command printed, in the shape it should have. */
export async function facetJson<S extends z.ZodType>(
  shape: S,
  words: readonly string[],
  options: StartOptions = {},
): Promise<z.output<S>> {
  const end = await facet([...words, '--json'], options);
  if (end.code !== 0) throw new Error(`facet ${words.join(' ')} ended with ${end.code}\n${end.stderr}`);
  return shape.parse(JSON.parse(end.stdout));
}

export interface RunningServer extends FacetProcess {
  readonly serving: Serving;
}

/** How many `auto` starts is by the machine's cores; and what several of them log, or store, has no order. */
export const ONE_PROCESS = ['--workers', '0'];

/** Starts a server on free ports, of one process unless told, and waits until it says that it serves. */
export async function serve(
  options: StartOptions & { readonly data: string; readonly flags?: readonly string[] },
): Promise<RunningServer> {
  const ports = ['--s3', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--nfs', '127.0.0.1:0'];
  const flags = options.flags ?? [];
  const processes = flags.includes('--workers') ? [] : ONE_PROCESS;
  const server = startFacet(
    ['serve', '--json', '--data', options.data, ...ports, ...processes, ...flags],
    options,
  );
  await server.wrote('stdout', /\n/);
  return { ...server, serving: serving.parse(JSON.parse(server.stdout())) };
}

/** Asks a server to stop and waits until it has. */
export function stop(server: FacetProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
  server.child.kill(signal);
  return server.ended;
}

/** What a server that made its root key told of it. */
export function madeCredentials(server: RunningServer): Credentials {
  const { accessKeyId, secretAccessKey } = server.serving.rootCredentials;
  if (secretAccessKey === undefined) throw new Error('no root key was made at this start');
  return { accessKeyId, secretAccessKey };
}

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

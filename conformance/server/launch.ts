/** The server as its users start it: a process of its own, fresh data, real sockets on free ports. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { runCommand } from '../runner/command.ts';
import type { Endpoint } from '../wire/send.ts';
import type { Credentials } from '../wire/sigv4.ts';
import { makeCertificate } from './certificate.ts';
import { type Serving, servingOf } from './serving.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Words of the commands; what follows them is the same for every way to call it. */
export interface Launcher {
  readonly serve: readonly [string, ...string[]];
  readonly facet: readonly [string, ...string[]];
}

/** As the README says: builds first. */
export const README_COMMANDS: Launcher = { serve: ['npm', 'start', '--'], facet: ['npx', 'facet'] };

/** What is already built, without npm's seconds: for tests. */
export const BUILT_COMMANDS: Launcher = builtCommands();

function builtCommands(): Launcher {
  const facet = join(ROOT, 'packages/server/bin/facet');
  return { serve: [facet, 'serve'], facet: [facet] };
}

export interface AccountKey extends Credentials {
  readonly account: string;
  readonly canonicalId: string;
  readonly displayName: string;
}

/** A second and a third account, as others' suites need them. */
const ACCOUNTS = ['main', 'alt', 'tenant'] as const;

export interface Server {
  readonly endpoint: Endpoint;
  readonly url: string;
  readonly adminUrl: string;
  /** The process that serves (npm is its parent). */
  readonly pid: number;
  readonly accounts: Readonly<Record<(typeof ACCOUNTS)[number], AccountKey>>;
  /** PEM of the certificate that it shows, when it serves over TLS. */
  readonly certificateFile: string | undefined;
  /** What the server logged, on disk until it is stopped. */
  readonly logFile: string;
  /** SIGTERM, waits for exit code 0, removes the data. @throws Error when it ended another way */
  stop(): Promise<void>;
}

export async function startServer(options: {
  readonly launcher: Launcher;
  readonly tls: boolean;
}): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'facet-conformance-'));
  const data = join(folder, 'data');
  const logFile = join(folder, 'server.log');
  const certificate = options.tls ? await makeCertificate(folder) : undefined;
  const [program, ...words] = options.launcher.serve;
  const ports = ['--s3', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--nfs', '127.0.0.1:0'];
  const tls =
    certificate === undefined
      ? []
      : ['--tls-cert', certificate.certificateFile, '--tls-key', certificate.keyFile];
  const child = spawn(
    program,
    [...words, '--data', data, ...ports, ...tls, '--json', '--log-level', 'warn'],
    {
      cwd: ROOT,
      env: environment(),
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  // SIGTERM, which npm passes on to the server.
  const leaveNothing = (): void => void child.kill('SIGTERM');
  process.once('exit', leaveNothing);
  const ended = once(child, 'close').then(([code, signal]) => {
    process.off('exit', leaveNothing);
    return `${code ?? signal}`;
  });
  child.stderr.pipe(createWriteStream(logFile));
  const serving = await Promise.race([firstDocument(child), ended]);
  if (typeof serving === 'string')
    throw new Error(`the server ended (${serving}) before it served: see ${logFile}`);
  const accounts = Object.fromEntries(
    await Promise.all(
      ACCOUNTS.map(async (account) => [account, await createKey(options.launcher, data, account)]),
    ),
  );
  return {
    endpoint: { host: serving.s3.host, port: serving.s3.port },
    url: serving.s3.url,
    adminUrl: serving.admin.url,
    pid: serving.pid,
    accounts,
    certificateFile: certificate?.certificateFile,
    logFile,
    stop: async () => {
      child.kill('SIGTERM');
      const how = await ended;
      if (how !== '0') throw new Error(`the server ended with ${how}, not 0: see ${logFile}`);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Nothing that the caller's shell says of a Facet of his own, or of AWS, may reach this one. */
function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(?:FACET|AWS)_/.test(name)));
}

/** npm tells what it runs before the server tells, in one JSON line, that it serves. */
async function firstDocument(child: ChildProcess): Promise<Serving> {
  if (child.stdout === null) throw new Error('no stdout to read');
  for await (const line of createInterface({ input: child.stdout })) {
    if (!line.startsWith('{')) continue;
    const serving = servingOf(line);
    // Whatever it goes on to say must not fill the pipe: the reader pauses it when this loop is left.
    setImmediate(() => child.stdout?.resume());
    return serving;
  }
  // It ended: who waits for that too will tell how.
  return new Promise(() => undefined);
}

async function createKey(launcher: Launcher, data: string, account: string): Promise<AccountKey> {
  const [program, ...words] = launcher.facet;
  const { stdout } = await runCommand(
    program,
    [...words, 'key', 'create', '--data', data, '--account', account, '--display-name', account, '--json'],
    { cwd: ROOT, env: environment(), timeoutMs: 60_000 },
  );
  const key: AccountKey = JSON.parse(stdout);
  return key;
}

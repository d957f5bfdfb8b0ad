/** The two servers of a round: Facet on a fresh directory, and the floor. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ServerProcess } from '../load/process.ts';
import type { Credentials, Endpoint } from '../load/request.ts';

export interface Subject {
  readonly name: 'facet' | 'floor';
  readonly server: ServerProcess;
  readonly endpoint: Endpoint;
  /** Of Facet's admin door. */
  readonly adminPort: number | undefined;
  /** Absent: requests go unsigned. */
  readonly credentials: Credentials | undefined;
  stop(): Promise<void>;
}

const HOST = '127.0.0.1';
const CREDENTIALS: Credentials = { accessKeyId: 'BENCHMARKKEY', secretAccessKey: 'benchmark-secret-key' };
const path = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));

function portOf(printed: unknown, ...at: readonly string[]): number {
  const found = at.reduce<unknown>((value, name) => Object(value)[name], printed);
  if (typeof found !== 'number')
    throw new Error(`no port in what the server printed: ${JSON.stringify(printed)}`);
  return found;
}

async function scratch(parent: string | undefined): Promise<string> {
  return mkdtemp(join(parent ?? tmpdir(), 'facet-bench-'));
}

export interface FacetOptions {
  /** Default: one core. */
  readonly cores?: string;
  /** Default: none, one process serves everything. */
  readonly workers?: number;
}

/** @param parent where data goes: the disk that is measured */
export async function startFacet(
  parent: string | undefined,
  { cores, workers = 0 }: FacetOptions = {},
): Promise<Subject> {
  const folder = await scratch(parent);
  const main = path('../../packages/server/bundle/main.js');
  const flags = [
    '--data',
    folder,
    '--s3',
    `${HOST}:0`,
    '--admin',
    `${HOST}:0`,
    '--nfs',
    'off',
    '--workers',
    String(workers),
    '--json',
  ];
  const environment = {
    FACET_ROOT_ACCESS_KEY: CREDENTIALS.accessKeyId,
    FACET_ROOT_SECRET_KEY: CREDENTIALS.secretAccessKey,
    FACET_LOG_LEVEL: 'warn',
  };
  const [server, printed] = await ServerProcess.start([main, 'serve', ...flags], environment, cores);
  return subject('facet', {
    server,
    folder,
    port: portOf(printed, 's3', 'port'),
    adminPort: portOf(printed, 'admin', 'port'),
    credentials: CREDENTIALS,
  });
}

export async function startFloor(parent: string | undefined): Promise<Subject> {
  const folder = await scratch(parent);
  const [server, printed] = await ServerProcess.start([path('./floor.ts'), folder]);
  return subject('floor', {
    server,
    folder,
    port: portOf(printed, 'port'),
    adminPort: undefined,
    credentials: undefined,
  });
}

function subject(
  name: Subject['name'],
  parts: {
    server: ServerProcess;
    folder: string;
    port: number;
    adminPort: number | undefined;
    credentials: Credentials | undefined;
  },
): Subject {
  const { server, folder, port, adminPort, credentials } = parts;
  return {
    name,
    server,
    credentials,
    adminPort,
    endpoint: { host: HOST, port },
    async stop() {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

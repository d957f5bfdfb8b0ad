/**
 * What `facet serve` runs with. Each setting comes from the first place that names it: a flag, the environment,
 * the configuration file, the default.
 */

import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { usageFailure } from '../failure.ts';
import { explainInvalid } from '../invalidInput.ts';
import { type Address, formatAddress, parseAddress } from './address.ts';

const ACCESS_LOG = ['off', 'on'] as const;
const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

export interface ServeSettings {
  readonly data: string;
  /** Processes that serve S3; 0: one process serves everything. */
  readonly workers: number;
  readonly s3: Address;
  readonly admin: Address;
  /** Absent: there is no NFS door. */
  readonly nfs?: Address;
  /** How clients that ask port 111 find the NFS door; absent: they do not. */
  readonly portmap?: Address | 'rpcbind';
  readonly tls?: { readonly certificateFile: string; readonly keyFile: string };
  /** Requests for `BUCKET.<s3Domain>` are virtual-hosted. */
  readonly s3Domain: string;
  readonly logLevel: (typeof LOG_LEVELS)[number];
  /** A line a request, whatever the level. */
  readonly accessLog: boolean;
}

type Setting =
  | 'data'
  | 's3'
  | 'admin'
  | 'nfs'
  | 'portmap'
  | 'workers'
  | 'tlsCert'
  | 'tlsKey'
  | 's3Domain'
  | 'logLevel'
  | 'accessLog';

interface SettingText {
  readonly flag: string;
  readonly variable: string;
  readonly argument: string;
  readonly help: string;
  readonly default?: string;
}

/** One row a setting: its flag, its environment variable, its meaning. The file uses the row's own name. */
export const SETTINGS = {
  data: {
    flag: '--data',
    variable: 'FACET_DATA',
    argument: 'DIR',
    help: 'the data directory; made when absent, else a store or empty',
    default: './facet-data',
  },
  s3: {
    flag: '--s3',
    variable: 'FACET_S3',
    argument: 'HOST:PORT',
    help: 'where the S3 door listens',
    default: '127.0.0.1:9000',
  },
  admin: {
    flag: '--admin',
    variable: 'FACET_ADMIN',
    argument: 'HOST:PORT',
    help: 'where health checks and the admin API listen',
    default: '127.0.0.1:9001',
  },
  nfs: {
    flag: '--nfs',
    variable: 'FACET_NFS',
    argument: 'HOST:PORT',
    help: 'where the NFS door listens (TCP, and UDP for mounting and locks), or off',
    default: '127.0.0.1:12049',
  },
  portmap: {
    flag: '--portmap',
    variable: 'FACET_PORTMAP',
    argument: 'WHERE',
    help: "HOST:PORT, to serve a port mapper there, or rpcbind, to register with this host's, or off",
    default: 'off',
  },
  workers: {
    flag: '--workers',
    variable: 'FACET_WORKERS',
    argument: 'N',
    help: 'processes that serve S3; 1: one beside that of the store, which serves it, too; 0: one serves everything; auto is one a core where there are more than two, 1 on two',
    default: 'auto',
  },
  tlsCert: {
    flag: '--tls-cert',
    variable: 'FACET_TLS_CERT',
    argument: 'FILE',
    help: 'serve S3 over TLS with this certificate chain (PEM)',
  },
  tlsKey: {
    flag: '--tls-key',
    variable: 'FACET_TLS_KEY',
    argument: 'FILE',
    help: "the certificate's private key (PEM)",
  },
  s3Domain: {
    flag: '--s3-domain',
    variable: 'FACET_S3_DOMAIN',
    argument: 'NAME',
    help: 'domain of virtual-hosted requests, as in BUCKET.NAME',
    default: 'localhost',
  },
  logLevel: {
    flag: '--log-level',
    variable: 'FACET_LOG_LEVEL',
    argument: 'LEVEL',
    help: `how much to log: ${LOG_LEVELS.join(', ')}`,
    default: 'info',
  },
  accessLog: {
    flag: '--access-log',
    variable: 'FACET_ACCESS_LOG',
    argument: 'WHETHER',
    help: `log a line for each S3 request: ${ACCESS_LOG.join(', ')}`,
    default: 'off',
  },
} as const satisfies Record<Setting, SettingText>;

const PATHS: ReadonlySet<Setting> = new Set<Setting>(['data', 'tlsCert', 'tlsKey']);

const text = z.string().min(1, 'must not be empty');
const address = text.transform((value, context): Address => {
  const parsed = parseAddress(value);
  if (parsed !== undefined) return parsed;
  context.addIssue({
    code: 'custom',
    message: `must be HOST:PORT, for example 127.0.0.1:9000 or [::1]:9000, not '${value}'`,
  });
  return z.NEVER;
});

const OFF = 'off';
/** An address, or none; a word besides is taken as it is. */
const addressOr = <W extends string = never>(...words: readonly W[]) =>
  text.transform((value, context): Address | W | undefined => {
    if (value === OFF) return undefined;
    const given = words.find((word) => word === value) ?? parseAddress(value);
    if (given !== undefined) return given;
    const others = [...words, OFF].join(' or ');
    context.addIssue({ code: 'custom', message: `must be HOST:PORT, or ${others}, not '${value}'` });
    return z.NEVER;
  });

const WORKERS_MAX = 256;
/** Up to here one beside the store's process, which serves S3, too: docs/adr/0016. */
const CORES_OF_ONE_WORKER = 2;

function workersFor(cores: number): number {
  if (cores === 1) return 0;
  return cores <= CORES_OF_ONE_WORKER ? 1 : Math.min(cores, WORKERS_MAX);
}

const AUTO = 'auto';
const workers = text.transform((value, context): number => {
  if (value === AUTO) return workersFor(availableParallelism());
  if (/^\d{1,3}$/.test(value) && Number(value) <= WORKERS_MAX) return Number(value);
  context.addIssue({
    code: 'custom',
    message: `must be ${AUTO}, or a number from 0 to ${WORKERS_MAX}, not '${value}'`,
  });
  return z.NEVER;
});
const domain = text
  .regex(
    /^(?=.{1,253}$)[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/,
    'must be a domain name, for example s3.example.com (no port; letters, digits and inner hyphens between dots)',
  )
  .toLowerCase();
const accessLog = z.enum(ACCESS_LOG, `must be one of ${ACCESS_LOG.join(', ')}`);
const logLevel = z.enum(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`);

const fileSchema = z
  .strictObject({
    data: z.string(),
    s3: z.string(),
    admin: z.string(),
    nfs: z.string(),
    portmap: z.string(),
    workers: z.union([z.number(), z.string()], 'must be a number, or auto').transform(String),
    tlsCert: z.string(),
    tlsKey: z.string(),
    s3Domain: z.string(),
    logLevel: z.string(),
    accessLog: z.string(),
  })
  .partial() satisfies z.ZodType<Partial<Record<Setting, string | undefined>>>;

/** A value, and the words by which its giver knows it. */
interface Given {
  readonly value: string;
  readonly origin: string;
}

export type FlagValues = Partial<Record<Setting | 'config', string | undefined>>;

export interface SettingSources {
  readonly flags: FlagValues;
  readonly environment: NodeJS.ProcessEnv;
}

/** @throws CommandFailure (exit code 2) naming the flag, variable or file that is wrong */
export function resolveServeSettings(sources: SettingSources): ServeSettings {
  const { required, optional } = settingReader(sources);
  const nfs = optional('nfs', addressOr());
  const portmap = optional('portmap', addressOr('rpcbind'));
  const s3 = required('s3', address);
  const admin = required('admin', address);
  refuseOneAddressTwice({ s3, admin, nfs });
  if (portmap !== undefined && nfs === undefined) {
    throw usageFailure(`${SETTINGS.portmap.flag} is of no use while ${SETTINGS.nfs.flag} is ${OFF}`);
  }
  const tls = pairTls({ certificateFile: optional('tlsCert', text), keyFile: optional('tlsKey', text) });
  return {
    data: resolve(required('data', text)),
    workers: required('workers', workers),
    s3,
    admin,
    ...(nfs === undefined ? {} : { nfs }),
    ...(portmap === undefined ? {} : { portmap }),
    ...(tls === undefined ? {} : { tls }),
    s3Domain: required('s3Domain', domain),
    logLevel: required('logLevel', logLevel),
    accessLog: required('accessLog', accessLog) === 'on',
  };
}

function refuseOneAddressTwice(doors: {
  readonly s3: Address;
  readonly admin: Address;
  readonly nfs: Address | undefined;
}): void {
  const { s3, admin, nfs } = doors;
  const pairs = [
    [SETTINGS.s3, s3, SETTINGS.admin, admin],
    [SETTINGS.s3, s3, SETTINGS.nfs, nfs],
    [SETTINGS.admin, admin, SETTINGS.nfs, nfs],
  ] as const;
  for (const [one, address, other, another] of pairs) {
    if (address.port === 0 || address.port !== another?.port || address.host !== another.host) continue;
    throw usageFailure(
      `${one.flag} and ${other.flag} are both ${formatAddress(address)}: change one of them`,
    );
  }
}

/** The data directory that a command works on, found as the server finds it. @throws CommandFailure (2) */
export function resolveDataDirectory(sources: SettingSources): string {
  return resolve(settingReader(sources).required('data', text));
}

function settingReader(sources: SettingSources) {
  const configFile = sources.flags.config ?? (sources.environment['FACET_CONFIG'] || undefined);
  const file = configFile === undefined ? {} : readSettingsFile(configFile);

  const find = (name: Setting): Given | undefined => {
    const row: SettingText = SETTINGS[name];
    const flag = sources.flags[name];
    if (flag !== undefined) return { value: flag, origin: row.flag };
    const variable = sources.environment[row.variable];
    // An empty variable is how shells and unit files say "not set".
    if (variable !== undefined && variable !== '') return { value: variable, origin: row.variable };
    const fromFile = file[name];
    if (fromFile !== undefined) return { value: fromFile, origin: `'${name}' in ${configFile}` };
    return row.default === undefined ? undefined : { value: row.default, origin: row.flag };
  };

  const optional = <T>(name: Setting, schema: z.ZodType<T>): T | undefined => {
    const given = find(name);
    return given === undefined ? undefined : parseOne(schema, given);
  };
  const required = <T>(name: Setting, schema: z.ZodType<T>): T => {
    const value = optional(name, schema);
    if (value === undefined) throw usageFailure(`${SETTINGS[name].flag} is missing`);
    return value;
  };
  return { required, optional };
}

function parseOne<T>(schema: z.ZodType<T>, given: Given): T {
  const parsed = schema.safeParse(given.value);
  if (parsed.success) return parsed.data;
  throw usageFailure(`${given.origin} ${parsed.error.issues[0]?.message ?? 'is not valid'}`);
}

function pairTls(given: {
  readonly certificateFile: string | undefined;
  readonly keyFile: string | undefined;
}): ServeSettings['tls'] | undefined {
  const { certificateFile, keyFile } = given;
  if (certificateFile === undefined && keyFile === undefined) return undefined;
  if (certificateFile === undefined || keyFile === undefined) {
    throw usageFailure(
      `${SETTINGS.tlsCert.flag} and ${SETTINGS.tlsKey.flag} go together: ${
        certificateFile === undefined ? SETTINGS.tlsCert.flag : SETTINGS.tlsKey.flag
      } is missing`,
    );
  }
  return { certificateFile: resolve(certificateFile), keyFile: resolve(keyFile) };
}

function readSettingsFile(path: string): Partial<Record<Setting, string>> {
  let written: string;
  try {
    written = readFileSync(path, 'utf8');
  } catch (error) {
    throw usageFailure(`cannot read the configuration file ${path}: ${(error as Error).message}`);
  }
  let content: unknown;
  try {
    content = JSON.parse(written);
  } catch (error) {
    throw usageFailure(`the configuration file ${path} is not JSON: ${(error as Error).message}`);
  }
  const parsed = fileSchema.safeParse(content);
  if (!parsed.success) {
    throw usageFailure(`the configuration file ${path} is not valid: ${explainInvalid(parsed.error)}`);
  }
  const values: Partial<Record<Setting, string>> = {};
  for (const name of fileSchema.keyof().options) {
    const value = parsed.data[name];
    // Paths in a file are meant from where the file lies: it must not matter where the server is started.
    if (value !== undefined) values[name] = PATHS.has(name) ? resolve(dirname(path), value) : value;
  }
  return values;
}

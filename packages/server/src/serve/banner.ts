/** What `facet serve` says once it serves: what listens where, and commands to try that work when pasted. */

import { type Address, formatAddress, reachableAddress } from '../settings/address.ts';
import { VERSION } from '../version.ts';
import type { RootCredentials } from './rootCredentials.ts';

export interface ServingFacts {
  readonly dataDirectory: string;
  /** Where the doors really listen: ports that were 0 are filled in. */
  readonly s3: Address;
  readonly admin: Address;
  readonly nfs?: Address;
  /** Where a port mapper of the server's own knows of the NFS door, or the host's. */
  readonly portmap?: Address | 'rpcbind';
  readonly s3Domain: string;
  readonly tlsCertificateFile?: string;
  readonly credentials: RootCredentials;
  readonly credentialsFile: string;
  readonly pid: number;
}

function s3Url(facts: ServingFacts): string {
  const scheme = facts.tlsCertificateFile === undefined ? 'http' : 'https';
  return `${scheme}://${formatAddress(reachableAddress(facts.s3))}`;
}

function adminUrl(facts: ServingFacts): string {
  return `http://${formatAddress(reachableAddress(facts.admin))}`;
}

/** The same facts for programs (`facet serve --json`). The secret is there only when it was made just now. */
export function describeServing(facts: ServingFacts) {
  return {
    version: VERSION,
    pid: facts.pid,
    dataDirectory: facts.dataDirectory,
    s3: { url: s3Url(facts), host: facts.s3.host, port: facts.s3.port, domain: facts.s3Domain },
    admin: { url: adminUrl(facts), host: facts.admin.host, port: facts.admin.port },
    ...(facts.nfs === undefined ? {} : { nfs: describeNfs(facts.nfs, facts.portmap) }),
    rootCredentials: {
      accessKeyId: facts.credentials.accessKeyId,
      origin: facts.credentials.origin,
      ...(facts.credentials.origin === 'made' ? { secretAccessKey: facts.credentials.secretAccessKey } : {}),
      ...(facts.credentials.origin === 'environment' ? {} : { file: facts.credentialsFile }),
    },
  };
}

function describeNfs(nfs: Address, portmap: ServingFacts['portmap']) {
  return {
    host: nfs.host,
    port: nfs.port,
    mountOptions: mountOptions(nfs, { locks: isAsked(portmap) }),
    ...(portmap === undefined ? {} : { portmap }),
  };
}

const PORT_MAPPER_PORT = 111;

/**
 * What a Linux client needs to be told. No option names the port of the lock manager: a client asks port 111, and where
 * nobody there knows of one it must not lock by NFS.
 */
function mountOptions({ port }: Address, { locks }: { readonly locks: boolean }): string {
  return `vers=3,proto=tcp,port=${port},mountproto=tcp,mountport=${port}${locks ? '' : ',nolock'}`;
}

function isAsked(portmap: ServingFacts['portmap']): boolean {
  return portmap === 'rpcbind' || portmap?.port === PORT_MAPPER_PORT;
}

function nfsLines({ nfs, portmap }: ServingFacts): string[] {
  if (nfs === undefined) return ['  NFS    off'];
  const mapper =
    portmap === undefined
      ? ''
      : `, with ${portmap === 'rpcbind' ? 'rpcbind' : `a port mapper on ${formatAddress(portmap)}`}`;
  const door = `  NFS    ${formatAddress(reachableAddress(nfs))}${listensEverywhere(nfs)}`;
  return [`${door}   every volume as /NAME${mapper}`];
}

/** To be tried on this host, whose status monitor cannot be both the server's and a client's: without locks. */
function mountLines({ nfs }: ServingFacts): string[] {
  if (nfs === undefined) return [];
  const { host } = reachableAddress(nfs);
  const server = host.includes(':') ? `[${host}]` : host;
  return [
    '',
    'or by NFS, where the bucket is there:',
    '',
    `  sudo mount -t nfs -o ${mountOptions(nfs, { locks: false })} ${server}:/demo /mnt`,
  ];
}

/** @param told `secret`: whether a key that was made may be shown, as on a terminal; else only where it is kept */
export function formatBanner(facts: ServingFacts, told: { readonly secret: boolean }): string {
  return [
    `Facet ${VERSION} serves ${facts.dataDirectory} (pid ${facts.pid})`,
    '',
    `  S3     ${s3Url(facts)}${listensEverywhere(facts.s3)}   path-style, or BUCKET.${facts.s3Domain}`,
    `  Admin  ${adminUrl(facts)}${listensEverywhere(facts.admin)}   /health/live  /health/ready  /metrics  /version`,
    ...nfsLines(facts),
    '',
    ...credentialLines(facts, told),
    ...exampleLines(facts),
  ].join('\n');
}

function listensEverywhere(address: Address): string {
  return reachableAddress(address) === address ? '' : ` (on ${formatAddress(address)})`;
}

function credentialLines(
  { credentials, credentialsFile }: ServingFacts,
  told: { readonly secret: boolean },
): string[] {
  const kept = [`Root access key ${credentials.accessKeyId}: its secret is in ${credentialsFile}`, ''];
  switch (credentials.origin) {
    case 'made':
      if (!told.secret) return kept;
      return [
        `Root access key, shown this once (kept in ${credentialsFile}):`,
        '',
        `  access key  ${credentials.accessKeyId}`,
        `  secret key  ${credentials.secretAccessKey}`,
        '',
      ];
    case 'kept':
      return kept;
    case 'environment':
      return [`Root access key ${credentials.accessKeyId}, from the environment`, ''];
  }
}

function exampleLines(facts: ServingFacts): string[] {
  const url = s3Url(facts);
  const { tlsCertificateFile } = facts;
  const trust = tlsCertificateFile === undefined ? '' : ` --ca-bundle ${quote(tlsCertificateFile)}`;
  const rcloneTrust = tlsCertificateFile === undefined ? '' : ` --ca-cert ${quote(tlsCertificateFile)}`;
  const aws = `aws --endpoint-url ${url}${trust}`;
  const remote = `:s3,provider=Other,env_auth=true,force_path_style=true,endpoint="${url}":`;
  return [
    'Try it with aws-cli:',
    '',
    ...secretExports(facts).map((line) => `  ${line}`),
    `  ${aws} s3 mb s3://demo`,
    `  ${aws} s3 cp /etc/hosts s3://demo/hosts`,
    `  ${aws} s3 ls s3://demo/`,
    '',
    'or, after the same exports, with rclone:',
    '',
    `  rclone${rcloneTrust} copy /etc/hosts '${remote}demo/copied'`,
    `  rclone${rcloneTrust} ls '${remote}demo'`,
    ...mountLines(facts),
  ];
}

/** The secret stays out of the examples, and so out of screens and scroll-back: the shell reads it. */
function secretExports({ credentials, credentialsFile }: ServingFacts): string[] {
  const secret =
    credentials.origin === 'environment'
      ? // In another shell it may not be set, which this one says then.
        `"\${FACET_ROOT_SECRET_KEY:?is the secret that the server was given}"`
      : `"$(sed -n 's/.*"secretAccessKey": "\\(.*\\)".*/\\1/p' ${quote(credentialsFile)})"`;
  return [
    `export AWS_ACCESS_KEY_ID=${quote(credentials.accessKeyId)} AWS_DEFAULT_REGION=us-east-1`,
    `export AWS_SECRET_ACCESS_KEY=${secret}`,
  ];
}

/** As one word of a POSIX shell. */
function quote(text: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

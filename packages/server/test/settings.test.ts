import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { formatAddress, parseAddress, reachableAddress } from '../src/settings/address.ts';
import { type FlagValues, resolveServeSettings } from '../src/settings/settings.ts';
import { temporaryDirectory } from './facetProcess.ts';

function settings(flags: FlagValues = {}, environment: NodeJS.ProcessEnv = {}) {
  return resolveServeSettings({ flags, environment });
}

function configFile(content: unknown): string {
  const path = join(temporaryDirectory(), 'facet.json');
  writeFileSync(path, typeof content === 'string' ? content : JSON.stringify(content));
  return path;
}

describe('where a setting comes from', () => {
  test('the defaults', () => {
    const cores = availableParallelism();
    expect(settings()).toEqual({
      data: resolve('facet-data'),
      workers: cores > 2 ? cores : cores - 1,
      s3: { host: '127.0.0.1', port: 9000 },
      admin: { host: '127.0.0.1', port: 9001 },
      nfs: { host: '127.0.0.1', port: 12049 },
      s3Domain: 'localhost',
      logLevel: 'info',
      accessLog: false,
    });
  });

  test('a flag wins over the environment, that over the file, that over the default', () => {
    const config = configFile({ s3: 'file:1', admin: 'file:2', nfs: 'file:3', s3Domain: 'File.Example' });
    const environment = { FACET_S3: 'variable:1', FACET_ADMIN: 'variable:2', FACET_CONFIG: config };
    const found = settings({ s3: 'flag:1' }, environment);
    expect(found.s3.host).toBe('flag');
    expect(found.admin.host).toBe('variable');
    expect(found.nfs?.host).toBe('file');
    expect(found.s3Domain).toBe('file.example');
    expect(found.logLevel).toBe('info');
  });

  test('--config wins over FACET_CONFIG', () => {
    const flag = configFile({ logLevel: 'warn' });
    const variable = configFile({ logLevel: 'error' });
    expect(settings({ config: flag }, { FACET_CONFIG: variable }).logLevel).toBe('warn');
  });

  test('an empty variable is not set', () => {
    expect(settings({}, { FACET_S3: '', FACET_CONFIG: '' }).s3.port).toBe(9000);
  });

  test('paths in the file are meant from the file, others from where the command runs', () => {
    const config = configFile({ data: 'store', workers: 1 });
    mkdirSync(join(config, '..', 'store'));
    expect(settings({ config }).data).toBe(join(config, '..', 'store'));
    expect(settings({}, { FACET_DATA: 'store' }).data).toBe(resolve('store'));
  });
});

describe('doors that need not be', () => {
  test('NFS can be off', () => {
    expect(settings({ nfs: 'off' })).not.toHaveProperty('nfs');
    expect(settings({ nfs: 'off', portmap: 'off' })).not.toHaveProperty('portmap');
  });

  test('a port mapper is served, or that of the host is told', () => {
    expect(settings({ portmap: 'rpcbind' }).portmap).toBe('rpcbind');
    expect(settings({}, { FACET_PORTMAP: '[::]:111' }).portmap).toEqual({ host: '::', port: 111 });
  });
});

describe('what is refused, and in which words', () => {
  test.each<[string, FlagValues, NodeJS.ProcessEnv, RegExp]>([
    ['an address without port', { s3: '127.0.0.1' }, {}, /^--s3 must be HOST:PORT.*not '127\.0\.0\.1'$/],
    ['a port too high', {}, { FACET_ADMIN: 'a:65536' }, /^FACET_ADMIN must be HOST:PORT/],
    [
      'too many workers',
      { workers: '257' },
      {},
      /^--workers must be auto, or a number from 0 to 256, not '257'/,
    ],
    ['a share of a worker', {}, { FACET_WORKERS: '1.5' }, /^FACET_WORKERS must be auto, or a number/],
    ['a certificate without key', { tlsCert: 'c.pem' }, {}, /--tls-key is missing$/],
    ['a key without certificate', {}, { FACET_TLS_KEY: 'k.pem' }, /--tls-cert is missing$/],
    ['a domain that begins with a hyphen', { s3Domain: '-bad' }, {}, /^--s3-domain must be a domain name/],
    ['a domain with an empty label', { s3Domain: 'a..b' }, {}, /^--s3-domain must be a domain name/],
    ['a domain with a port', { s3Domain: 'a:80' }, {}, /^--s3-domain must be a domain name/],
    ['a level nobody knows', { logLevel: 'loud' }, {}, /^--log-level must be one of trace,/],
    ['an access log somewhere', {}, { FACET_ACCESS_LOG: '/x' }, /^FACET_ACCESS_LOG must be one of off, on/],
    ['an empty directory', { data: '' }, {}, /^--data must not be empty/],
    ['one address twice', { admin: '127.0.0.1:9000' }, {}, /^--s3 and --admin are both 127\.0\.0\.1:9000:/],
    ['no address of NFS', { nfs: 'on' }, {}, /^--nfs must be HOST:PORT, or off, not 'on'$/],
    ['no port mapper', { portmap: 'yes' }, {}, /^--portmap must be HOST:PORT, or rpcbind or off, not 'yes'$/],
    [
      'one without NFS',
      { portmap: 'rpcbind', nfs: 'off' },
      {},
      /^--portmap is of no use while --nfs is off$/,
    ],
    ['one address for S3 and NFS', { nfs: '127.0.0.1:9000' }, {}, /^--s3 and --nfs are both/],
    ['no such file', { config: '/nowhere/facet.json' }, {}, /\/nowhere\/facet\.json: ENOENT/],
  ])('%s', (_name, flags, environment, message) => {
    expect(() => settings(flags, environment)).toThrow(
      expect.objectContaining({ exitCode: 2, message: expect.stringMatching(message) }),
    );
  });

  test.each<[string, unknown, RegExp]>([
    ['is not JSON', 's3: 127.0.0.1:9000', /the configuration file .* is not JSON: /],
    ['names a setting nobody knows', { s4: 'a:1' }, /is not valid: 's4' is not known$/],
    ['has a setting of another type', { s3: 9000 }, /is not valid: 's3' must be text in quotes$/],
    [
      'has several faults',
      { s4: 1, workers: true },
      /: 'workers' must be a number, or auto; 's4' is not known$/,
    ],
    ['is another document', [], /: the whole of it must be an object, as in { … }$/],
    ['has a bad value', { s3: '9000' }, /^'s3' in .*facet\.json must be HOST:PORT/],
  ])('a file that %s', (_name, content, message) => {
    expect(() => settings({ config: configFile(content) })).toThrow(
      expect.objectContaining({ exitCode: 2, message: expect.stringMatching(message) }),
    );
  });
});

describe('addresses', () => {
  test.each([
    ['127.0.0.1:0', '127.0.0.1', 0],
    ['localhost:9000', 'localhost', 9000],
    ['[::1]:65535', '::1', 65_535],
  ])('%s', (text, host, port) => {
    expect(parseAddress(text)).toEqual({ host, port });
    expect(formatAddress({ host, port })).toBe(text);
  });

  test.each([
    '',
    ':9000',
    '9000',
    'a:',
    'a:b',
    'a:1:2',
    '::1:9000',
    '[x]:1',
    '[1]:1',
    'a b:1',
    'http://a:1',
    'a:65536',
  ])('%j is none', (text) => {
    expect(parseAddress(text)).toBeUndefined();
  });

  test('where it listens everywhere, the loopback address reaches it', () => {
    expect(reachableAddress({ host: '0.0.0.0', port: 1 }).host).toBe('127.0.0.1');
    expect(reachableAddress({ host: '::', port: 1 }).host).toBe('::1');
    expect(reachableAddress({ host: '10.0.0.1', port: 1 }).host).toBe('10.0.0.1');
  });
});

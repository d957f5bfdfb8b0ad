/** The S3 door with a certificate, which can be renewed. */

import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { copyFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import tls from 'node:tls';
import { expect, test } from 'vitest';
import {
  facet,
  madeCredentials,
  ONE_PROCESS,
  type RunningServer,
  serve,
  startFacet,
  stop,
  temporaryDirectory,
} from './facetProcess.ts';
import { childrenCalled } from './family/processes.ts';
import { presign } from './presign.ts';

const EC = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1'];
const RSA = ['-newkey', 'rsa:2048'];

function selfSigned(kind = EC): { readonly cert: string; readonly key: string } {
  const directory = temporaryDirectory();
  const files = { cert: join(directory, 'cert.pem'), key: join(directory, 'key.pem') };
  execFileSync(
    'openssl',
    ['req', '-x509', ...kind, '-nodes', '-days', '2']
      .concat(['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'])
      .concat(['-keyout', files.key, '-out', files.cert]),
    { stdio: 'pipe' },
  );
  return files;
}

test('the S3 door speaks TLS', async () => {
  const { cert, key } = selfSigned();
  const server = await serve({ data: temporaryDirectory(), flags: ['--tls-cert', cert, '--tls-key', key] });
  expect(server.serving.s3.url).toMatch(/^https:/);
  const url = presign('GET', `${server.serving.s3.url}/`, madeCredentials(server));
  const body = await new Promise<string>((resolve, reject) => {
    https.get(url, { ca: readFileSync(cert) }, (response) => resolve(textOf(response))).once('error', reject);
  });
  expect(body).toContain('<ListAllMyBucketsResult');
});

/** What a client that comes now is shown. */
const shownBy = (server: RunningServer): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = tls.connect(
      { port: server.serving.s3.port, host: '127.0.0.1', rejectUnauthorized: false },
      () => {
        resolve(socket.getPeerCertificate().fingerprint256);
        socket.destroy();
      },
    );
    socket.once('error', reject);
  });

test.each([
  [
    0,
    /"the certificate that was read serves new connections"/,
    /could not be read again: the old one serves on"/,
  ],
  [2, /"every process was replaced"/, /not every process could be replaced: the old ones serve on"/],
])(
  'a certificate that was renewed is served after a SIGHUP (--workers %i)',
  async (workers, done, refused) => {
    const files = selfSigned();
    const other = selfSigned();
    const flags = ['--tls-cert', files.cert, '--tls-key', files.key, '--workers', String(workers)];
    const server = await serve({ data: temporaryDirectory(), flags });
    const before = await shownBy(server);
    // The key is not its own, also when it is of the other kind.
    copyFileSync(selfSigned(RSA).cert, files.cert);
    server.child.kill('SIGHUP');
    await server.wrote('stderr', refused);
    copyFileSync(other.cert, files.cert);
    server.child.kill('SIGHUP');
    await server.wrote('stderr', new RegExp(`(${refused.source}[^]*){2}`));
    expect(await shownBy(server)).toBe(before);

    copyFileSync(other.key, files.key);
    server.child.kill('SIGHUP');
    await server.wrote('stderr', done);
    const renewed = new X509Certificate(readFileSync(other.cert)).fingerprint256;
    expect(renewed).not.toBe(before);
    expect(await shownBy(server)).toBe(renewed);
    expect((await stop(server)).code).toBe(0);
  },
);

test('a worker that dies while the files are no use is replaced, with the certificate that is served', async () => {
  const { cert, key } = selfSigned();
  const flags = ['--tls-cert', cert, '--tls-key', key, '--workers', '1'];
  const server = await serve({ data: temporaryDirectory(), flags });
  const before = await shownBy(server);
  writeFileSync(key, 'nonsense');
  const [worker = 0] = childrenCalled(server, 'facet s3-1');
  process.kill(worker, 'SIGKILL');
  await expect.poll(() => shownBy(server).catch(() => undefined), { timeout: 20_000 }).toBe(before);
  expect(childrenCalled(server, 'facet s3-1')).not.toContain(worker);
  expect((await stop(server)).code).toBe(0);
});

test('a SIGHUP ends no server that has no certificate to renew, nor one that only starts', async () => {
  const server = startFacet(
    ['serve', '--data', temporaryDirectory(), '--s3', '127.0.0.1:0'].concat(
      ['--admin', '127.0.0.1:0', '--nfs', 'off'],
      ONE_PROCESS,
    ),
  );
  const catches = () =>
    /^SigCgt:\s*[0-9a-f]*([0-9a-f])$/m.exec(readFileSync(`/proc/${server.child.pid}/status`, 'utf8'))?.[1];
  // The lowest bit is that of SIGHUP.
  await expect.poll(() => Number.parseInt(catches() ?? '0', 16) & 1, { interval: 1 }).toBe(1);
  server.child.kill('SIGHUP');
  await server.wrote('stderr', /"SIGHUP: there is no certificate to read again"/);
  server.child.kill('SIGHUP');
  await server.wrote('stderr', /(all goes on as it was[\s\S]*){2}/);
  expect(server.child.exitCode).toBeNull();
  expect((await stop(server)).code).toBe(0);
});

test('who speaks HTTP to its port is told of in the log', async () => {
  const { cert, key } = selfSigned();
  const server = await serve({ data: temporaryDirectory(), flags: ['--tls-cert', cert, '--tls-key', key] });
  await expect(fetch(server.serving.s3.url.replace('https', 'http'))).rejects.toThrow();
  await server.wrote(
    'stderr',
    /"remoteAddress":"127.0.0.1","msg":"a client spoke HTTP to the port of HTTPS"/,
  );
});

test('files that are no use are named before anything is opened', async () => {
  const { cert, key } = selfSigned();
  const other = selfSigned();
  const data = join(temporaryDirectory(), 'not-made');
  const tryWith = (certFile: string, keyFile: string) =>
    facet(['serve', '--data', data, '--tls-cert', certFile, '--tls-key', keyFile]);
  const nonsense = join(temporaryDirectory(), 'nonsense.pem');
  writeFileSync(nonsense, 'nonsense');
  for (const end of [
    await tryWith(nonsense, key),
    await tryWith(cert, other.key),
    await tryWith(selfSigned(RSA).cert, key),
    await tryWith('/no', key),
  ]) {
    expect(end.code).toBe(2);
    expect(end.stderr).toMatch(/no certificate and its key|--tls-cert: cannot read \/no/);
  }
  expect(existsSync(data)).toBe(false);
});

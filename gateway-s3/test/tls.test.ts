import { execFile } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { sign } from './client.ts';
import { startWorld } from './world.ts';

/** A key and a certificate of its own, for 127.0.0.1. */
async function makeCertificate(): Promise<{ readonly cert: string; readonly key: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'facet-tls-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  const subject = ['-subj', '/CN=facet test', '-addext', 'subjectAltName=IP:127.0.0.1'];
  await promisify(execFile)('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', key, '-out', cert]);
  const made = { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
  await rm(folder, { recursive: true });
  return made;
}

it('serves over TLS, and says so in Location', async () => {
  const tls = await makeCertificate();
  const world = await startWorld({ tls });
  try {
    const { host, credentials } = world.alice;
    const ask = (method: string, path: string, body = '') =>
      new Promise<{ status: number | undefined; text: string }>((resolve, reject) => {
        const headers = sign(credentials, { method, path, body, host });
        const options = {
          host: '127.0.0.1',
          port: world.port,
          method,
          path,
          headers,
          ca: tls.cert,
          agent: false as const,
        };
        const request = https.request(options, async (response) => {
          const chunks: Buffer[] = [];
          for await (const chunk of response) chunks.push(chunk);
          resolve({ status: response.statusCode, text: Buffer.concat(chunks).toString() });
        });
        request.on('error', reject);
        request.end(body);
      });
    expect(await ask('PUT', '/secure')).toMatchObject({ status: 200 });
    expect(await ask('PUT', '/secure/key', 'x')).toMatchObject({ status: 200 });
    expect(await ask('GET', '/secure/key')).toEqual({ status: 200, text: 'x' });
    const upload = /<UploadId>(.*)<\/UploadId>/.exec((await ask('POST', '/secure/joined?uploads')).text)?.[1];
    await ask('PUT', `/secure/joined?partNumber=1&uploadId=${upload}`, 'x');
    const etag = '9dd4e461268c8034f5c8564e155c67a6';
    const part = `<Part><PartNumber>1</PartNumber><ETag>${etag}</ETag></Part>`;
    const body = `<CompleteMultipartUpload>${part}</CompleteMultipartUpload>`;
    const done = await ask('POST', `/secure/joined?uploadId=${upload}`, body);
    expect(done.text).toContain(`<Location>https://127.0.0.1:${world.port}/secure/joined</Location>`);
  } finally {
    await world.close();
  }
});

it('goes by the clock it is given', async () => {
  let aheadMs = 0;
  const world = await startWorld({ now: () => Date.now() + aheadMs });
  try {
    expect(await world.alice.put('/clock')).toMatchObject({ status: 200 });
    aheadMs = 14 * 60_000;
    expect(await world.alice.put('/clock')).toMatchObject({ status: 200 });
    for (const minutes of [16, -16]) {
      aheadMs = minutes * 60_000;
      expect(await world.alice.put('/clock')).toMatchObject({ status: 403, code: 'RequestTimeTooSkewed' });
    }
  } finally {
    await world.close();
  }
});

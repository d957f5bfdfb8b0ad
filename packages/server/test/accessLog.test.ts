/** A line a request, for those who ask for it; and what is told of one that failed. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { expect, test } from 'vitest';
import { type FacetProcess, madeCredentials, serve, stop, temporaryDirectory } from './facetProcess.ts';
import { presign } from './presign.ts';

const linesOf = ({ stderr }: Pick<FacetProcess, 'stderr'>): readonly Record<string, unknown>[] =>
  stderr()
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));

async function start(flags: readonly string[], data = temporaryDirectory()) {
  const server = await serve({ data, flags });
  const as = madeCredentials(server);
  const ask = (method: 'GET' | 'PUT' | 'DELETE', path: string, body?: string) =>
    fetch(presign(method, `${server.serving.s3.url}${path}`, as), {
      method,
      ...(body === undefined ? {} : { body }),
    });
  return { server, as, ask, data };
}

test.each([0, 2])(
  'says of each request what operators ask for, also where little else is logged (--workers %i)',
  async (workers) => {
    const { server, ask } = await start([
      ...['--access-log', 'on', '--log-level', 'error', '--workers', String(workers)],
    ]);
    // Each in its turn: a line follows its answer, and those of several processes do not wait for one another.
    const logged = (count: number) => expect.poll(() => server.stderr().split('\n').length - 1).toBe(count);
    const put = await ask('PUT', '/logged');
    await logged(1);
    await ask('PUT', '/logged/dir/a%20b', 'x'.repeat(3_000));
    await logged(2);
    await (await ask('GET', '/logged/dir/a%20b')).text();
    await logged(3);
    await (await ask('GET', '/logged/none')).text();
    await logged(4);
    await (await fetch(`${server.serving.s3.url}/logged/secret?X-Amz-Signature=0`)).text();
    await logged(5);
    const { code } = await stop(server);
    expect(code).toBe(0);
    const lines = linesOf(server);
    const object = { bucket: 'logged', key: 'dir/a b', status: 200, account: 'root' };
    expect(lines).toMatchObject([
      { method: 'PUT', bucket: 'logged', operation: 'CreateBucket', status: 200, bytesIn: 0 },
      { ...object, method: 'PUT', operation: 'PutObject', bytesIn: 3_000, complete: true },
      { ...object, method: 'GET', operation: 'GetObject', bytesIn: 0, complete: true },
      { method: 'GET', key: 'none', operation: 'GetObject', status: 404, error: 'NoSuchKey' },
      { method: 'GET', bucket: 'logged', key: 'secret', bytesIn: 0 },
    ]);
    for (const line of lines.slice(0, 3)) expect(line).not.toHaveProperty('error');
    for (const line of lines) {
      expect(line).toMatchObject({
        msg: 'request',
        remoteAddress: '127.0.0.1',
        requestId: expect.any(String),
      });
      expect(line['durationMs']).toBeGreaterThan(0);
    }
    expect(lines[0]?.['requestId']).toBe(put.headers.get('x-amz-request-id'));
    expect(lines[2]?.['bytesOut']).toBeGreaterThan(3_000);
    expect(lines[3]?.['bytesOut']).toBeLessThan(3_000);
    expect(lines[4]).not.toHaveProperty('account');
    expect(lines[4]).toMatchObject({ operation: 'GetObject', error: expect.any(String) });
    expect(lines[4]?.['status']).toBeGreaterThanOrEqual(400);
  },
);

test('says what was refused, and with which of S3’s codes', async () => {
  const { server, as } = await start(['--access-log', 'on', '--log-level', 'silent']);
  const url = (path: string) => `${server.serving.s3.url}${path}`;
  const ask = async (method: 'GET' | 'PUT', path: string, headers: Record<string, string> = {}) =>
    (await fetch(presign(method, url(path), as), { method, headers })).text();
  await ask('PUT', '/refusals');
  await ask('PUT', '/refusals/key');
  const etag = '"d41d8cd98f00b204e9800998ecf8427e"';
  await ask('GET', '/refusals/key', { 'if-none-match': etag });
  await fetch(url('/refusals?policy'), { method: 'PUT' });
  await fetch(url('/refusals?tagging&uploads'));
  await fetch(url('/refusals/key'), { method: 'DELETE' });
  await fetch(`${presign('PUT', url('/refusals/key'), as)}0`, { method: 'PUT', body: 'x' });
  await fetch(url('/refusals?acl'));
  await fetch(url('/refusals?publicAccessBlock'), { method: 'DELETE' });
  await fetch(url('/refusals'), { method: 'POST', body: 'x' });
  await fetch(url('/'), { method: 'POST', body: 'x' });
  await stop(server);
  expect(
    linesOf(server)
      .slice(2)
      .map(({ operation, status, error }) => [operation, status, error]),
  ).toEqual([
    ['GetObject', 304, undefined],
    ['PUT ?policy', 501, 'NotImplemented'],
    [undefined, 405, 'MethodNotAllowed'],
    ['DeleteObject', 403, 'AccessDenied'],
    ['PutObject', 403, 'SignatureDoesNotMatch'],
    ['GetBucketAcl', 403, 'AccessDenied'],
    ['DeletePublicAccessBlock', 403, 'AccessDenied'],
    ['PostObject', 501, 'NotImplemented'],
    [undefined, 405, 'MethodNotAllowed'],
  ]);
});

test('says which client did not stay', async () => {
  const { server, as, ask } = await start(['--access-log', 'on']);
  await ask('PUT', '/left');
  await ask('PUT', '/left/large', 'x'.repeat(16 << 20));
  await new Promise<void>((resolve, reject) => {
    const request = http.get(presign('GET', `${server.serving.s3.url}/left/large`, as), (response) => {
      response.once('data', () => request.destroy()).once('close', resolve);
      response.on('error', () => undefined);
    });
    request.once('error', reject);
  }).catch(() => undefined);
  await server.wrote('stderr', /"operation":"GetObject"/);
  const line = linesOf(server).find(({ operation }) => operation === 'GetObject');
  expect(line).toMatchObject({ status: 200, complete: false });
  expect(line?.['bytesOut']).toBeLessThan(16 << 20);
});

test('says also what no HTTP parser understands', async () => {
  const { server } = await start(['--access-log', 'on', '--log-level', 'error']);
  const { port } = server.serving.s3;
  const socket = connect(port, '127.0.0.1');
  socket.end('NO HTTP\r\n\r\n');
  const answer = await textOf(socket);
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  const half = connect(port, '127.0.0.1');
  half.end('GET / HTTP/1.1\r\nHost: x\r\n');
  await textOf(half);
  await stop(server);
  const id = /x-amz-request-id: (\S+)/.exec(answer)?.[1];
  expect(linesOf(server)).toMatchObject([
    {
      msg: 'request',
      requestId: id,
      status: 400,
      error: 'BadRequest',
      complete: false,
      remoteAddress: '127.0.0.1',
    },
    { msg: 'request', status: 400, error: 'IncompleteBody' },
  ]);
});

test('is off unless asked for', async () => {
  const { server, ask } = await start(['--log-level', 'trace']);
  await ask('PUT', '/quiet');
  await stop(server);
  expect(server.stderr()).not.toContain('"request"');
});

test('a GET of damaged bytes is one line that says whose and where they are, and what to do', async () => {
  const { server, ask, data } = await start([]);
  await ask('PUT', '/damaged');
  await ask('PUT', '/damaged/dir/object', 'x'.repeat(300_000));
  const folder = join(data, 'extents');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  const container = join(folder, files.find((name) => name.endsWith('.ext')) ?? '');
  const bytes = readFileSync(container);
  bytes[1_000] = (bytes[1_000] ?? 0) ^ 1;
  writeFileSync(container, bytes);
  const answer = await ask('GET', '/damaged/dir/object');
  expect(answer.status).toBe(500);
  await stop(server);
  const [line, ...others] = linesOf(server).filter(({ level }) => level === 50);
  expect(others).toEqual([]);
  expect(line).toMatchObject({
    bucket: 'damaged',
    key: 'dir/object',
    requestId: answer.headers.get('x-amz-request-id'),
    damage: expect.stringMatching(
      /^container [0-9a-f]{2}\/[0-9a-f]{14}, frame at \d+: block 0 does not match its checksum$/,
    ),
    msg: expect.stringContaining('facet fsck --full'),
  });
  expect(line).not.toHaveProperty('err');
});

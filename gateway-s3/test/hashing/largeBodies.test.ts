/** Bodies that threads hash, through the door. */
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { checksumOf } from '../../src/checksums/digest.ts';
import { formatChecksum } from '../../src/checksums/value.ts';
import { HashingThread } from '../../src/hashing/hashingThread.ts';
import { md5Base64, md5Hex, sign, textOf } from '../client.ts';
import { startWorld, type World } from '../world.ts';

const MiB = 1 << 20;
let world: World;
beforeAll(async () => {
  world = await startWorld();
  await world.alice.put('/large');
});
afterEach(() => vi.restoreAllMocks());
afterAll(() => world.close());

const ALGORITHMS = ['CRC32', 'CRC32C', 'CRC64NVME', 'SHA1', 'SHA256', 'SHA512', 'MD5'] as const;
const SIZES = [MiB - 1, MiB, MiB + 1, 5 * MiB + 17];

/** In chunks of 64 KiB, unsigned. */
function chunked(bytes: Buffer, trailer: string): Buffer {
  const pieces: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += 65536) {
    const piece = bytes.subarray(at, at + 65536);
    pieces.push(Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n'));
  }
  return Buffer.concat([...pieces, Buffer.from(`0\r\n${trailer}\r\n\r\n`)]);
}

/** A PUT whose body is to be sent by the caller. */
async function begin(path: string, lengthBytes: number) {
  return await beginAs(path, { payload: 'UNSIGNED-PAYLOAD' }, { 'content-length': String(lengthBytes) });
}

async function beginAs(
  path: string,
  signed: { readonly payload: string; readonly headers?: Record<string, string> },
  unsigned: Record<string, string>,
) {
  const head = sign(world.alice.credentials, { method: 'PUT', path, host: world.alice.host, ...signed });
  const lines = Object.entries({ ...head, ...unsigned });
  const socket = connect(world.port, '127.0.0.1');
  await once(socket, 'connect');
  const answer = once(socket, 'data').then(([data]) => String(data));
  // Some never get one.
  answer.catch(() => undefined);
  socket.write(`PUT ${path} HTTP/1.1\r\n${lines.map(([n, v]) => `${n}: ${v}\r\n`).join('')}\r\n`);
  return { socket, answer };
}

describe.each(ALGORITHMS)('%s', (algorithm) => {
  const header = `x-amz-checksum-${algorithm.toLowerCase()}`;

  test.each(SIZES)('of %i bytes, from a header, with a signed body', async (lengthBytes) => {
    const bytes = randomBytes(lengthBytes);
    const value = formatChecksum(checksumOf(algorithm, bytes));
    const put = await world.alice.put('/large/plain', bytes, { [header]: value });
    expect(put).toMatchObject({ status: 200, headers: { etag: `"${md5Hex(bytes)}"`, [header]: value } });
    const got = await world.alice.get('/large/plain', { 'x-amz-checksum-mode': 'ENABLED' });
    expect(got.headers).toMatchObject({ etag: `"${md5Hex(bytes)}"`, [header]: value });
    expect(got.body.equals(bytes)).toBe(true);
  });

  test('of a chunked body, from a trailer; a wrong one is refused and nothing changes', async () => {
    const bytes = randomBytes(3 * MiB + 5);
    const value = formatChecksum(checksumOf(algorithm, bytes));
    const send = (body: Buffer) =>
      world.alice.send({
        method: 'PUT',
        path: `/large/chunked-${algorithm}`,
        headers: { 'x-amz-decoded-content-length': String(bytes.length), 'x-amz-trailer': header },
        payload: 'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
        body,
      });
    const put = await send(chunked(bytes, `${header}:${value}`));
    expect(put).toMatchObject({ status: 200, headers: { etag: `"${md5Hex(bytes)}"`, [header]: value } });

    const other = Buffer.from(bytes);
    other.writeUInt8(other.readUInt8(2 * MiB) ^ 1, 2 * MiB);
    expect(await send(chunked(other, `${header}:${value}`))).toMatchObject({
      status: 400,
      code: 'BadDigest',
    });
    const got = await world.alice.get(`/large/chunked-${algorithm}`);
    expect(got.body.equals(bytes)).toBe(true);
  });
});

test('the default checksum, and those of a part and of copies', async () => {
  const bytes = randomBytes(6 * MiB);
  const crc64 = formatChecksum(checksumOf('CRC64NVME', bytes));
  const put = await world.alice.put('/large/source', bytes);
  expect(put.headers['x-amz-checksum-crc64nvme']).toBe(crc64);

  const copy = await world.alice.put('/large/copy', '', {
    'x-amz-copy-source': '/large/source',
    'x-amz-checksum-algorithm': 'SHA256',
  });
  const sha256 = createHash('sha256').update(bytes).digest('base64');
  expect(textOf(copy.text, 'ChecksumSHA256')).toBe(sha256);

  // What the client proves its bytes by is not what the upload keeps.
  const created = await world.alice.post('/large/parts?uploads');
  const parts = `/large/parts?uploadId=${textOf(created.text, 'UploadId')}`;
  const part = await world.alice.put(`${parts}&partNumber=1`, bytes, { 'x-amz-checksum-sha256': sha256 });
  expect(part).toMatchObject({ status: 200, headers: { etag: `"${md5Hex(bytes)}"` } });
  const done = await world.alice.post(
    parts,
    `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${md5Hex(bytes)}</ETag></Part></CompleteMultipartUpload>`,
  );
  expect(textOf(done.text, 'ChecksumCRC64NVME')).toBe(crc64);
});

test('a part copied from amid an object, whose pieces are of any length', async () => {
  const bytes = randomBytes(6 * MiB);
  await world.alice.put('/large/amid', bytes);
  const created = await world.alice.post('/large/parts?uploads', '', {
    'x-amz-checksum-algorithm': 'SHA256',
  });
  const copied = await world.alice.put(
    `/large/parts?uploadId=${textOf(created.text, 'UploadId')}&partNumber=1`,
    '',
    {
      'x-amz-copy-source': '/large/amid',
      'x-amz-copy-source-range': `bytes=100-${bytes.length - 100}`,
    },
  );
  const sha256 = createHash('sha256').update(bytes.subarray(100, -99)).digest('base64');
  expect(textOf(copied.text, 'ChecksumSHA256')).toBe(sha256);
  expect(textOf(copied.text, 'ETag')).toContain(md5Hex(bytes.subarray(100, -99)));
});

describe('refused, and nothing changes', () => {
  const before = randomBytes(2 * MiB);
  const after = randomBytes(2 * MiB);
  const containers = () => readdir(world.extents, { recursive: true });

  test.each<[string, string, Record<string, string>, string?]>([
    ['another Content-MD5', 'BadDigest', { 'content-md5': md5Base64('x') }],
    [
      'another checksum',
      'BadDigest',
      { 'x-amz-checksum-crc32': formatChecksum(checksumOf('CRC32', before)) },
    ],
    ['another hash than was signed', 'XAmzContentSHA256Mismatch', {}, 'a'.repeat(64)],
  ])('%s', async (_, code, headers, payload) => {
    await world.alice.put('/large/kept', before);
    const files = await containers();
    const refused = await world.alice.send({
      method: 'PUT',
      path: '/large/kept',
      headers,
      body: after,
      ...(payload !== undefined && { payload }),
    });
    expect(refused).toMatchObject({ status: 400, code });
    expect((await world.alice.get('/large/kept')).body.equals(before)).toBe(true);
    // They were on stable storage before all of them was hashed.
    await expect.poll(async () => (await containers()).filter((name) => !files.includes(name))).toEqual([]);
  });

  test('with the reason for it, also where its bytes can not be given back', async () => {
    await world.alice.put('/large/kept', before);
    const failure = new Error('no room');
    vi.spyOn(world.core.objects, 'discard').mockRejectedValueOnce(failure);
    const refused = await world.alice.put('/large/kept', after, { 'content-md5': md5Base64('x') });
    expect(refused).toMatchObject({ status: 400, code: 'BadDigest' });
    expect(world.errors.splice(0)).toEqual([{ err: failure }]);
    expect((await world.alice.get('/large/kept')).body.equals(before)).toBe(true);
  });

  test('clients that go away: their bodies are given up, and the next one is served', async () => {
    await world.alice.put('/large/left', before);
    const abandoned = vi.spyOn(HashingThread.prototype, 'abandon');
    const CLIENTS = 8;
    for (let i = 0; i < CLIENTS; i++) {
      const { socket } = await begin('/large/left', 64 * MiB);
      await new Promise((resolve) => socket.write(after, resolve));
      socket.destroy();
    }
    await expect.poll(() => abandoned.mock.calls.length).toBe(CLIENTS);
    expect((await world.alice.get('/large/left')).body.equals(before)).toBe(true);
    expect(await world.alice.put('/large/left', after)).toMatchObject({ status: 200 });
    expect(world.errors).toEqual([]);
  });
});

test('clients that stall keep nothing from others', async () => {
  const stalled = Array.from({ length: 40 }, async () => {
    const { socket } = await begin('/large/stalled', 64 * MiB);
    await new Promise((resolve) => socket.write(Buffer.alloc(300_000), resolve));
    return socket;
  });
  const sockets = await Promise.all(stalled);
  const bytes = randomBytes(24 * MiB);
  expect(await world.alice.put('/large/beside', bytes)).toMatchObject({
    status: 200,
    headers: { etag: `"${md5Hex(bytes)}"` },
  });
  expect((await world.alice.get('/large/beside')).body.equals(bytes)).toBe(true);
  for (const socket of sockets) socket.destroy();
});

test('bytes that come in crumbs, and a body that ends too early', async () => {
  const bytes = randomBytes(MiB + 77_777);
  const { socket, answer } = await begin('/large/crumbs', bytes.length);
  for (let at = 0; at < bytes.length; at += 13_337) {
    await new Promise((resolve) => socket.write(bytes.subarray(at, at + 13_337), resolve));
    if (at % 3 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
  }
  expect(await answer).toMatch(/^HTTP\/1.1 200/);
  socket.destroy();
  expect((await world.alice.get('/large/crumbs')).body.equals(bytes)).toBe(true);

  const { socket: short } = await begin('/large/crumbs', bytes.length);
  await new Promise((resolve) => short.write(bytes.subarray(0, -1), resolve));
  short.end();
  await once(short, 'close');
  expect((await world.alice.get('/large/crumbs')).body.equals(bytes)).toBe(true);
  expect(world.errors).toEqual([]);
});

test('bytes each in an HTTP chunk of its own', async () => {
  const bytes = randomBytes(MiB);
  const headers = {
    'x-amz-decoded-content-length': String(bytes.length),
    'x-amz-trailer': 'x-amz-checksum-crc32',
  };
  const payload = 'STREAMING-UNSIGNED-PAYLOAD-TRAILER';
  const { socket, answer } = await beginAs(
    '/large/chunks',
    { payload, headers },
    { 'transfer-encoding': 'chunked' },
  );
  const checksum = formatChecksum(checksumOf('CRC32', bytes));
  const sent = Buffer.concat([
    Buffer.from(`${bytes.length.toString(16)}\r\n`),
    bytes,
    Buffer.from(`\r\n0\r\nx-amz-checksum-crc32:${checksum}\r\n\r\n`),
  ]);
  // More than all slots are passed on for, and less than is written at once.
  const alone = 30_000;
  const crumbs = Array.from(sent.subarray(0, alone), (byte) => [
    Buffer.from('1\r\n'),
    Buffer.of(byte),
    Buffer.from('\r\n'),
  ]);
  socket.write(Buffer.concat(crumbs.flat()));
  const rest = sent.subarray(alone);
  socket.write(`${rest.length.toString(16)}\r\n`);
  socket.write(rest);
  socket.write('\r\n0\r\n\r\n');
  expect(await answer).toMatch(/^HTTP\/1.1 200/);
  socket.destroy();
  expect((await world.alice.get('/large/chunks')).body.equals(bytes)).toBe(true);
});

test('a thread that dies fails the body it has with 500, which may be sent again', async () => {
  const bytes = randomBytes(4 * MiB);
  await world.alice.put('/large/dying', bytes);
  vi.spyOn(HashingThread.prototype, 'end').mockImplementationOnce(async function end(
    this: HashingThread,
    body,
  ) {
    void this.terminate();
    return await this.end(body);
  });
  expect(await world.alice.put('/large/dying', randomBytes(4 * MiB))).toMatchObject({
    status: 500,
    code: 'InternalError',
  });
  expect(world.errors.splice(0)).toMatchObject([
    { err: { message: expect.stringMatching(/a hashing thread ended/) } },
  ]);
  expect((await world.alice.get('/large/dying')).body.equals(bytes)).toBe(true);
  expect(await world.alice.put('/large/dying', bytes)).toMatchObject({ status: 200 });
});

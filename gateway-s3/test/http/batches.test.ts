/** Bulk bodies as whoever stores them takes them. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Batching } from '../../src/http/batching.ts';
import { RequestBody } from '../../src/http/requestBody.ts';
import { Turns } from '../../src/http/turns.ts';

const KiB = 1 << 10;
const MiB = 1 << 20;
let server: Server;
let batching: Batching;
beforeEach(async () => {
  batching = new Batching();
  server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
});
afterEach(() => {
  server.closeAllConnections();
  server.close();
});

function send(headers: Record<string, string | number>) {
  const { port } = server.address() as AddressInfo;
  const client = request({ host: '127.0.0.1', port, method: 'PUT', headers });
  client.on('error', () => undefined);
  client.flushHeaders();
  return client;
}

async function received(): Promise<RequestBody> {
  return await new Promise((resolve) => {
    server.once('request', (incoming, response) => {
      const options = { awaitsContinue: false, turns: new Turns(), batching };
      resolve(new RequestBody(incoming, response, options));
    });
  });
}

test.each([0, 1, 64 * KiB, 256 * KiB, 256 * KiB + 1, 3 * MiB + 17])('%i bytes, each once', async (length) => {
  const bytes = randomBytes(length);
  send({ 'content-length': length }).end(bytes);
  const body = await received();
  const copies: Buffer[] = [];
  for await (const batch of body.batches()) copies.push(Buffer.concat(batch));
  expect(Buffer.concat(copies).equals(bytes)).toBe(true);
  expect(body.bytesRead).toBe(length);
  expect(body.aftermath()).toBe('keep');
  // All but the last are large, and none is larger than the kernel's share above that.
  for (const copy of copies.slice(0, -1)) expect(copy.length).toBeGreaterThanOrEqual(256 * KiB);
  for (const copy of copies) expect(copy.length).toBeLessThan(320 * KiB);
});

test('of unknown length', async () => {
  const bytes = randomBytes(2 * MiB);
  const client = send({ 'transfer-encoding': 'chunked' });
  client.write(bytes.subarray(0, MiB));
  client.end(bytes.subarray(MiB));
  const copies: Buffer[] = [];
  for await (const batch of (await received()).batches()) copies.push(Buffer.concat(batch));
  expect(Buffer.concat(copies).equals(bytes)).toBe(true);
});

test('of many small pieces a batch has few', async () => {
  const client = send({ 'transfer-encoding': 'chunked' });
  const bytes = randomBytes(20_000);
  for (const byte of bytes) client.write(Buffer.from([byte]));
  client.end();
  const copies: Buffer[] = [];
  for await (const batch of (await received()).batches()) {
    expect(batch.length).toBeLessThanOrEqual(1024);
    copies.push(Buffer.concat(batch));
  }
  expect(Buffer.concat(copies).equals(bytes)).toBe(true);
});

test('the memory of a batch is gone when the next one is asked for', async () => {
  send({ 'content-length': 2 * MiB }).end(randomBytes(2 * MiB));
  let before: readonly Buffer[] = [];
  for await (const batch of (await received()).batches()) {
    expect(before.map(({ length }) => length)).toEqual(before.map(() => 0));
    expect(batch.reduce((sum, { length }) => sum + length, 0)).toBeGreaterThan(0);
    before = batch;
  }
  expect(before).not.toEqual([]);
});

test('whoever does not ask for more holds the client up', async () => {
  const client = send({ 'content-length': 64 * MiB });
  client.end(Buffer.alloc(64 * MiB));
  const body = await received();
  for await (const batch of body.batches()) {
    expect(batch).not.toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 200));
    // One batch, and no more of what waits in the sockets.
    expect(body.bytesRead).toBeLessThan(320 * KiB);
    break;
  }
  expect(client.writableLength).toBeGreaterThan(0);
  expect(body.aftermath()).toBe('linger');
});

test('a client that goes away in the middle', async () => {
  const client = send({ 'content-length': 2 * MiB });
  client.write(randomBytes(MiB));
  const body = await received();
  const read = async () => {
    for await (const batch of body.batches()) if (batch.length > 0) client.destroy();
  };
  await expect(read()).rejects.toMatchObject({ code: 'IncompleteBody' });
});

describe('how much is gathered', () => {
  test('is less of each when there are many', () => {
    const gathered = Array.from({ length: 1000 }, () => {
      batching.begin();
      return batching.batchBytes;
    });
    expect(gathered[0]).toBe(256 * KiB);
    expect(gathered[127]).toBe(256 * KiB);
    expect(gathered[255]).toBe(128 * KiB);
    expect(gathered[999]).toBe(64 * KiB);
    for (let left = 999; left > 0; left--) batching.end();
    expect(batching.batchBytes).toBe(256 * KiB);
  });

  test('counts bodies under way only', async () => {
    for (const _ of Array.from({ length: 3 })) {
      send({ 'content-length': MiB }).end(Buffer.alloc(MiB));
      for await (const batch of (await received()).batches()) if (batch.length > 0) break;
    }
    for (let bodies = 0; bodies < 128; bodies++) batching.begin();
    expect(batching.batchBytes).toBe(256 * KiB);
  });
});

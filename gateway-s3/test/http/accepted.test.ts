import { once } from 'node:events';
import http from 'node:http';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AcceptedConnections } from '../../src/http/accepted.ts';

const LARGE = 32 << 20;

let listener: Server;
let accepted: AcceptedConnections;
let clients: Socket[];

beforeEach(async () => {
  clients = [];
  accepted = new AcceptedConnections(
    http.createServer((request, response) => {
      if (request.url === '/never') return;
      response.end(Buffer.alloc(request.url === '/large' ? LARGE : 1));
    }),
  );
  listener = createServer({ pauseOnConnect: true }, (socket) => accepted.add(socket));
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
});
afterEach(() => {
  for (const client of clients) client.destroy();
  listener.close();
});

async function open(): Promise<Socket> {
  const address = listener.address();
  if (address === null || typeof address === 'string') throw new Error('it listens on TCP');
  const client = connect(address.port, '127.0.0.1');
  clients.push(client);
  await once(client, 'connect');
  return client;
}

async function ask(path: string): Promise<Socket> {
  const client = await open();
  client.write(`GET ${path} HTTP/1.1\r\nHost: h\r\n\r\n`);
  return client;
}

test('who is idle has a while, and who never said anything no longer', async () => {
  const idle = await ask('/');
  await once(idle, 'data');
  const silent = await open();
  await once(listener, 'connection', { signal: AbortSignal.timeout(50) }).catch(() => undefined);
  const began = performance.now();
  await Promise.all([accepted.close(200), once(idle.resume(), 'close'), once(silent.resume(), 'close')]);
  expect(performance.now() - began).toBeGreaterThan(190);
});

test('who becomes idle later is closed then', async () => {
  const client = await ask('/large');
  client.once('data', () => client.pause());
  await delay(100);
  const closed = accepted.close(0);
  await delay(700);
  // Its answer was ended before, and is on its way: all of it arrives.
  let bytes = 0;
  client.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
  });
  client.resume();
  await Promise.all([closed, once(client, 'close')]);
  expect(bytes).toBeGreaterThan(LARGE - (1 << 20));
});

test('what takes too long is cut off', async () => {
  const client = await ask('/never');
  await delay(100);
  const closed = accepted.close(0);
  const early = await Promise.race([closed.then(() => 'closed'), delay(1200, 'under way')]);
  expect(early).toBe('under way');
  accepted.cutOff();
  await Promise.all([closed, once(client.resume(), 'close')]);
});

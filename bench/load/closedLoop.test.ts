import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { closedLoop } from './closedLoop.ts';
import { sending } from './drive.ts';
import type { Endpoint } from './request.ts';
import { ready } from './request.ts';

const BODY = 'x'.repeat(1000);
const server = createServer((request, response) => {
  if (request.url === '/closed') response.shouldKeepAlive = false;
  if (request.url === '/chunked') response.write(BODY.slice(0, 10));
  response.end(request.url === '/chunked' ? BODY.slice(10) : BODY);
});
let endpoint: Endpoint;

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  endpoint = { host: '127.0.0.1', port: typeof address === 'object' && address ? address.port : 0 };
});
afterAll(() => server.close());

it.each(['/', '/chunked', '/closed'])(
  'counts the operations and bytes of all connections: %s',
  async (path) => {
    const get = sending(ready(endpoint, { method: 'GET', path }));
    let left = 400;
    const next = () => {
      left -= 1;
      return left >= 0 ? get : undefined;
    };
    const done = await closedLoop({ endpoint, connections: 8, next, secondsMax: 60 });
    expect(done).toMatchObject({ operations: 400, bytes: 400 * BODY.length });
  },
);

it('begins none when the time is up', async () => {
  const get = sending(ready(endpoint, { method: 'GET', path: '/' }));
  const done = await closedLoop({ endpoint, connections: 2, next: () => get, secondsMax: 0.05 });
  expect(done.operations).toBeGreaterThan(0);
  expect(done.seconds).toBeLessThan(10);
});

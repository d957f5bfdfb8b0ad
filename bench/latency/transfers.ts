/**
 * A process of its own, at the lowest priority: it reads and writes large objects without end, and says each second how
 * many bytes went. Told what to do by one line of JSON on its standard input; ends with that.
 */

import { once } from 'node:events';
import http from 'node:http';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import aws4 from 'aws4';
import type { Credentials, Endpoint } from '../load/request.ts';
import { largePath, TRANSFERS } from './plan.ts';

export interface TransferOrder {
  readonly endpoint: Endpoint;
  readonly credentials: Credentials;
  readonly sizeBytes: number;
  /** Only puts the objects that are read later, and ends. */
  readonly prepare: boolean;
}

const PIECE = Buffer.alloc(1 << 20, 'large transfer ');
const agent = new http.Agent({ keepAlive: true, maxSockets: 4 * TRANSFERS });
let movedBytes = 0;

function open({ endpoint, credentials }: TransferOrder, method: string, path: string, lengthBytes: number) {
  const host = `${endpoint.host}:${endpoint.port}`;
  const headers: Record<string, string> = { Host: host, 'X-Amz-Content-Sha256': 'UNSIGNED-PAYLOAD' };
  if (method === 'PUT') headers['Content-Length'] = String(lengthBytes);
  const signed = aws4.sign({ method, path, headers, service: 's3', region: 'us-east-1', host }, credentials);
  const request = http.request({
    ...endpoint,
    method,
    path,
    agent,
    headers: signed.headers as typeof headers,
  });
  return {
    request,
    answer: once(request, 'response').then(([response]) => response as http.IncomingMessage),
  };
}

function* pieces(lengthBytes: number): Generator<Buffer> {
  for (let left = lengthBytes; left > 0; left -= PIECE.length) {
    const piece = PIECE.subarray(0, Math.min(left, PIECE.length));
    movedBytes += piece.length;
    yield piece;
  }
}

async function put(order: TransferOrder, path: string): Promise<void> {
  const { request, answer } = open(order, 'PUT', path, order.sizeBytes);
  await pipeline(Readable.from(pieces(order.sizeBytes)), request);
  await drained(await answer, path);
}

async function get(order: TransferOrder, path: string): Promise<void> {
  const { request, answer } = open(order, 'GET', path, 0);
  request.end();
  await drained(await answer, path);
}

async function drained(response: http.IncomingMessage, path: string): Promise<void> {
  if (response.statusCode !== 200) throw new Error(`${path} was answered ${response.statusCode}`);
  response.on('data', (bytes: Buffer) => {
    movedBytes += bytes.length;
  });
  await once(response, 'end');
}

async function forEver(work: () => Promise<void>): Promise<never> {
  for (;;) await work();
}

const lines = createInterface({ input: process.stdin });
const [line] = await once(lines, 'line');
const order: TransferOrder = JSON.parse(line);
lines.on('close', () => process.exit(0));
const each = Array.from({ length: TRANSFERS }, (_, at) => at);
if (order.prepare) {
  for (const at of each) await put(order, largePath('read', at));
  process.stdout.write('ready\n');
} else {
  setInterval(() => {
    process.stdout.write(`${movedBytes}\n`);
    movedBytes = 0;
  }, 1000);
  await Promise.all([
    ...each.map((at) => forEver(() => get(order, largePath('read', at)))),
    ...each.map((at) => forEver(() => put(order, largePath('written', at)))),
  ]);
}

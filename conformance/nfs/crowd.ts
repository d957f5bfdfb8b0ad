/** Ten thousand connections at once, idle or in the middle of a call: another client is served, and memory is bounded. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import net from 'node:net';
import {
  handleFound,
  NO_ATTRIBUTES,
  OK,
  opaque,
  place,
  type Reply,
  RpcConnection,
  words,
} from '@facet/nfs-client';
import { peakDuring } from '../load/memory.ts';
import type { Checks } from '../runner/suite.ts';
import type { TwoDoors } from './server.ts';

export interface Crowd {
  readonly server: TwoDoors;
  readonly volume: string;
  tell(line: string): void;
}

const CONNECTIONS = 10_000;
/** A listen queue is not endless. */
const AT_ONCE = 200;
/** So that no address runs out of ports. */
const ADDRESSES = 4;
const CLIENT = '127.0.3.11';
const OTHER_CLIENT = '127.0.3.12';
const CALLS = 500;
const P99_MS_MAX = 1_000;
const ANONYMOUS_MEBIBYTES_MAX = 300;
const FILE_BYTES = 4096;
const FILE_SYNC = 2;
const LAST_FRAGMENT = 0x8000_0000;
const RECORD_BYTES = 1 << 20;

/** What each of them has sent: nothing, the mark of a record of 1 MiB, or some of that record as well. */
const BEGINNINGS: readonly Buffer[] = [
  Buffer.alloc(0),
  words(LAST_FRAGMENT | RECORD_BYTES),
  Buffer.concat([words(LAST_FRAGMENT | RECORD_BYTES), Buffer.alloc(2048)]),
];

async function connect(port: number, at: number): Promise<net.Socket> {
  const socket = net.connect({ host: '127.0.0.1', port, localAddress: `127.0.4.${1 + (at % ADDRESSES)}` });
  // One that the server gives up is no failure of the check: what counts is whom it serves.
  await once(socket, 'connect');
  socket.on('error', () => undefined).resume();
  const beginning = BEGINNINGS[at % BEGINNINGS.length];
  if (beginning !== undefined && beginning.length > 0) socket.write(beginning);
  return socket;
}

/** Writes and reads a small file again and again. @returns how long each call took, in milliseconds */
async function workOf(client: RpcConnection, root: Buffer): Promise<readonly number[]> {
  const times: number[] = [];
  let xid = 100;
  const timed = async (procedure: 'CREATE' | 'LOOKUP' | 'WRITE', args: Buffer): Promise<Reply> => {
    const started = performance.now();
    const reply = await client.call({ xid: xid++, procedure, args });
    times.push(performance.now() - started);
    assert.equal(reply.status, OK, `${procedure} answered ${reply.status}`);
    return reply;
  };
  const unchecked = Buffer.concat([words(0), NO_ATTRIBUTES]);
  await timed('CREATE', Buffer.concat([place(root, 'file'), unchecked]));
  const handle = handleFound(await timed('LOOKUP', place(root, 'file')));
  for (let call = 0; call < CALLS; call += 1) {
    const bytes = Buffer.alloc(FILE_BYTES, `${call} `);
    await timed('WRITE', Buffer.concat([opaque(handle), words(0, 0, FILE_BYTES, FILE_SYNC), opaque(bytes)]));
    await timed('LOOKUP', place(root, 'file'));
  }
  return times.toSorted((one, other) => one - other);
}

async function serveOneBesideMany({ server, volume, tell }: Crowd): Promise<void> {
  const sockets: net.Socket[] = [];
  try {
    const peakBytes = await peakDuring(server.pid, async () => {
      for (let opened = 0; opened < CONNECTIONS; opened += AT_ONCE) {
        const some = Array.from({ length: AT_ONCE }, (_, at) => connect(server.nfsPort, opened + at));
        sockets.push(...(await Promise.all(some)));
      }
      const client = await RpcConnection.open({ port: server.nfsPort, localAddress: CLIENT });
      const times = await workOf(client, await client.mount(`/${volume}`));
      client.close();
      const p99 = times[Math.floor(times.length * 0.99)] ?? Number.POSITIVE_INFINITY;
      const open = sockets.filter((socket) => !socket.destroyed).length;
      tell(`p99 of ${times.length} calls beside ${open} connections: ${p99.toFixed(1)} ms`);
      assert.ok(p99 <= P99_MS_MAX, `p99 was ${p99.toFixed(1)} ms`);
    });
    const mebibytes = Math.round(peakBytes / (1 << 20));
    tell(`anonymous memory of the server: ${mebibytes} MiB`);
    assert.ok(mebibytes <= ANONYMOUS_MEBIBYTES_MAX, `anonymous memory reached ${mebibytes} MiB`);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}

async function serveAfterwards({ server, volume }: Crowd): Promise<void> {
  const client = await RpcConnection.open({ port: server.nfsPort, localAddress: OTHER_CLIENT });
  const root = await client.mount(`/${volume}`);
  const { status } = await client.call({ xid: 1, procedure: 'LOOKUP', args: place(root, 'file') });
  assert.equal(status, OK);
  client.close();
}

export const crowd: Checks<Crowd> = {
  [`${CONNECTIONS} connections, two thirds of them in the middle of a call, keep nobody waiting`]:
    serveOneBesideMany,
  'when they are gone, others are served as before': serveAfterwards,
};

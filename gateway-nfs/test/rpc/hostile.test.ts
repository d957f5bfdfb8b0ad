/**
 * Whatever bytes come, the server goes on: no crash, no rejection that nobody handles (either fails the run), no
 * memory without bound, and other connections are served meanwhile.
 */

import net from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTcpServer, TCP_SERVER_LIMITS } from '../../src/rpc/tcpServer.ts';
import { XdrWriter } from '../../src/xdr/writer.ts';
import { encodeCall, encodeRecord, RawPeer, recordOf } from './rawPeer.ts';
import { BROKEN, ECHO, HELD, LONG, startWorld, type World } from './world.ts';

let world: World;
let bystander: RawPeer;
let asked = 0;
beforeAll(async () => {
  world = await startWorld();
  bystander = world.connect();
});
afterAll(() => world.close());

const args = (): XdrWriter => new XdrWriter().opaque(Buffer.from('hello'));

/** One who has been connected all the time is served. */
async function othersAreServed(): Promise<void> {
  bystander.call({ xid: asked, procedure: ECHO, args: args() });
  asked += 1;
  const replies = await bystander.hear(asked);
  expect(replies.at(-1)).toHaveProperty('results');
}

/** Sends it in these pieces, and ends; waits until the server has done so, too. */
async function attack(pieces: readonly Buffer[]): Promise<void> {
  const socket = net.connect({ port: world.port, host: '127.0.0.1' });
  const closed = new Promise<void>((resolve) => socket.on('close', () => resolve()));
  socket.on('error', () => undefined).resume();
  for (const piece of pieces) socket.write(piece);
  socket.end();
  await closed;
  await othersAreServed();
}

const noise = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes));
const fullCall = encodeCall({
  ...{ xid: 1, procedure: ECHO, args: args() },
  credential: { flavor: 'sys', machine: 'evil', uid: 0, gid: 0, groups: [1, 2, 3] },
});

const PROCEDURE_WORD = 5;

/** A right call with some of its words replaced. */
const damaged = fc
  .array(fc.tuple(fc.nat(fullCall.length / 4 - 1), fc.oneof(fc.nat(20), fc.constant(-1), fc.integer())), {
    ...{ minLength: 1, maxLength: 4 },
  })
  .map((changes) => {
    const call = Buffer.from(fullCall);
    for (const [word, value] of changes) {
      // Procedures that wait or fail on purpose are not the bytes' doing.
      const isOnPurpose = word === PROCEDURE_WORD && [HELD, LONG, BROKEN].includes(value);
      if (!isOnPurpose) call.writeInt32BE(value, word * 4);
    }
    return encodeRecord(call);
  });

const truncated = fc.nat(fullCall.length).map((length) => encodeRecord(fullCall.subarray(0, length)));

/** The mark says something else than what follows. */
const lying = fc.tuple(fc.integer(), noise).map(([value, bytes]) => {
  const mark = Buffer.alloc(4);
  mark.writeInt32BE(value);
  return Buffer.concat([mark, bytes]);
});

const right = fc.constant(encodeRecord(fullCall));

describe('hostile bytes', () => {
  it('of every kind', async () => {
    const pieces = fc.array(fc.oneof(noise, noise.map(encodeRecord), damaged, truncated, lying, right), {
      maxLength: 8,
    });
    await fc.assert(fc.asyncProperty(pieces, attack), { numRuns: 300 });
  });

  it('a call cut short at every offset, in a record that says so or not', async () => {
    const record = encodeRecord(fullCall);
    for (let length = 0; length < record.length; length += 1) {
      await attack([record.subarray(0, length)]);
      await attack([encodeRecord(fullCall.subarray(0, Math.min(length, fullCall.length)))]);
    }
  });

  it('every word of a call replaced by giant counts', async () => {
    for (let at = 0; at < fullCall.length; at += 4) {
      for (const value of [0xffff_ffff, 0x7fff_ffff, 401, 0x10_0000]) {
        const call = Buffer.from(fullCall);
        call.writeUInt32BE(value, at);
        await attack([encodeRecord(call)]);
      }
    }
  });

  it.each<[string, Buffer]>([
    ['what a browser says', Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')],
    ['an empty record', Buffer.from('80000000', 'hex')],
    ['fragments of nothing without end', Buffer.alloc(64 << 10)],
    ['the longest record', Buffer.from('ffffffff', 'hex')],
  ])('%s', async (_, bytes) => {
    await attack([bytes]);
  });

  it('fail nothing on our side', () => {
    expect(world.logged.filter(({ message }) => message !== 'RPC connection ended')).toEqual([]);
  });
});

describe('many connections', () => {
  /** Opens them a few at a time: a listen queue is not endless. */
  async function openMany(count: number, port: number, first: Buffer): Promise<net.Socket[]> {
    const sockets: net.Socket[] = [];
    const one = (): Promise<void> =>
      new Promise((resolve, reject) => {
        const socket = net.connect({ port, host: '127.0.0.1' }, () => socket.write(first, () => resolve()));
        socket.on('error', reject).resume();
        sockets.push(socket);
      });
    for (let opened = 0; opened < count; opened += 100) {
      await Promise.all(Array.from({ length: Math.min(100, count - opened) }, one));
    }
    return sockets;
  }

  it('that each announce 1 MiB and send some of it, take no memory for the rest', async () => {
    const many = await startWorld();
    const before = process.memoryUsage();
    const record = recordOf({ xid: 1, procedure: ECHO, args: new XdrWriter().opaque(Buffer.alloc(1 << 20)) });
    // A mark and then nothing; a mark and 64 bytes.
    const sockets = await openMany(1000, many.port, record.subarray(0, 4));
    sockets.push(...(await openMany(1000, many.port, record.subarray(0, 68))));
    const peer = many.connect();
    peer.call({ xid: 1, procedure: ECHO, args: args() });
    await peer.hear(1);
    const grownBytes = process.memoryUsage().arrayBuffers - before.arrayBuffers;
    // Both ends of the connections are in this process.
    expect(grownBytes).toBeLessThan(64 << 20);
    for (const socket of sockets) socket.destroy();
    await many.close();
  });

  it('that fill the memory with records they do not end, do not keep it from others', async () => {
    const connections = 100;
    const halfBytes = 120_000;
    const server = createTcpServer({
      programs: [],
      log: { warn: () => undefined, error: () => undefined, info: () => undefined },
      limits: {
        ...TCP_SERVER_LIMITS,
        admission: {
          callsMax: 10,
          recordBytesMax: 2_000_000,
          waitingBytesMax: 2_000_000,
          gatherMsMax: 200,
          pauseMsMax: 200,
        },
      },
    });
    const { port } = await server.listen({ host: '127.0.0.1', port: 0 });
    const record = recordOf({ xid: 1, args: new XdrWriter().opaque(Buffer.alloc(1_000_000)) });
    const sockets = Array.from({ length: connections }, () => {
      const socket = net.connect({ port, host: '127.0.0.1' });
      socket.on('error', () => undefined).resume();
      socket.write(record.subarray(0, halfBytes));
      return socket;
    });
    await expect.poll(() => sockets.every(({ bytesWritten }) => bytesWritten === halfBytes)).toBe(true);
    // A small call needs none of that memory.
    const small = new RawPeer(port);
    small.call({ xid: 1 });
    await small.hear(1);
    // A large one gets its share, though its client may have to connect anew.
    const isServed = async (): Promise<boolean> => {
      const large = new RawPeer(port);
      sockets.push(large.socket);
      large.write(record);
      return large.hear(1).then(
        () => true,
        () => false,
      );
    };
    await expect.poll(isServed).toBe(true);
    for (const socket of [...sockets, small.socket]) socket.destroy();
    await server.close();
  });
});

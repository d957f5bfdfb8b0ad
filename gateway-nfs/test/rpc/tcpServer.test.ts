import { performance } from 'node:perf_hooks';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { ReadReply } from '../../src/rpc/message.ts';
import { XdrWriter } from '../../src/xdr/writer.ts';
import { encodeCall, type RawCall, recordOf, TEST_PROGRAM } from './rawPeer.ts';
import {
  BLOB,
  BROKEN,
  ECHO,
  GUARDED,
  HELD,
  LONG,
  SILENT,
  startWorld,
  WHO,
  type World,
  type WorldLimits,
} from './world.ts';

const worlds: World[] = [];
async function start(limits?: WorldLimits): Promise<World> {
  const world = await startWorld(limits);
  worlds.push(world);
  return world;
}
afterEach(async () => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  await Promise.all(worlds.splice(0).map((world) => world.close()));
});

/** For servers started after it, time passes only by what it returns: they see no moment in which we did not run. */
function stopClock(): (ms: number) => void {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  let nowMs = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => nowMs);
  return (ms) => {
    nowMs += ms;
    vi.advanceTimersByTime(ms);
  };
}

const echo = (xid: number, text: string, procedure = ECHO): RawCall => ({
  ...{ xid, procedure, args: new XdrWriter().opaque(Buffer.from(text)) },
});
const blob = (xid: number, lengthBytes: number): RawCall => ({
  ...{ xid, procedure: BLOB, args: new XdrWriter().uint32(lengthBytes) },
});

function textOf(reply: ReadReply | undefined): string {
  if (reply === undefined || !('results' in reply)) return `no results: ${JSON.stringify(reply)}`;
  return reply.results.opaque(2 << 20).toString();
}
const xidsOf = (replies: readonly ReadReply[]): number[] => replies.map(({ xid }) => xid);

describe('calls', () => {
  it('are answered, whichever way their bytes come', async () => {
    const world = await start();
    const peer = world.connect();
    const record = recordOf(echo(1, 'byte by byte'));
    for (const byte of record) {
      peer.write(Buffer.of(byte));
      await new Promise(setImmediate);
    }
    const [first] = await peer.hear(1);
    expect(textOf(first)).toBe('byte by byte');
    peer.call(echo(2, 'two'), echo(3, 'three'), echo(4, 'x'.repeat(200_000)));
    const replies = await peer.hear(4);
    expect(xidsOf(replies)).toEqual([1, 2, 3, 4]);
    expect(textOf(replies[3])).toHaveLength(200_000);
  });

  it('come in fragments', async () => {
    const world = await start();
    const peer = world.connect();
    const call = encodeCall(echo(1, 'in fragments'));
    const fragment = (bytes: Buffer, last: number): Buffer =>
      Buffer.concat([...new XdrWriter().uint32(last + bytes.length).pieces, bytes]);
    peer.write(fragment(call.subarray(0, 5), 0), fragment(Buffer.alloc(0), 0));
    peer.write(fragment(call.subarray(5), 2 ** 31));
    expect(textOf((await peer.hear(1))[0])).toBe('in fragments');
  });

  it('are answered in the order they end', async () => {
    const world = await start();
    const peer = world.connect();
    peer.call(echo(1, 'a', HELD), echo(2, 'b', HELD), echo(3, 'c', HELD), echo(4, 'd'));
    await peer.hear(1);
    for (const [heard, xid] of [3, 1, 2].entries()) {
      world.held.get(xid)?.();
      await peer.hear(heard + 2);
    }
    expect(xidsOf(peer.replies)).toEqual([4, 3, 1, 2]);
    expect(peer.replies.map(textOf)).toEqual(['d', 'c', 'a', 'b']);
  });

  it('large and small, have replies that are not mixed', async () => {
    const world = await start();
    const peer = world.connect();
    const sizes = Array.from({ length: 60 }, (_, i) => (i % 3 === 0 ? 300_000 + i : i * 100));
    peer.call(...sizes.map((size, xid) => blob(xid, size)));
    const replies = await peer.hear(sizes.length);
    for (const reply of replies) {
      expect('results' in reply && reply.results.opaque(2 << 20).length).toBe(sizes[reply.xid]);
    }
  });

  it('tell who calls', async () => {
    const world = await start();
    const peer = world.connect();
    const credential = { flavor: 'sys', machine: 'm', uid: 5, gid: 6, groups: [7] } as const;
    peer.call({ xid: 9, procedure: WHO, credential });
    await peer.hear(1);
    expect(world.calls[0]).toMatchObject({
      ...{ xid: 9, program: TEST_PROGRAM, version: 1, procedure: WHO, credential, transport: 'tcp' },
      peer: { address: '127.0.0.1', port: peer.socket.localPort },
    });
  });

  it('have a checksum that a retransmission has too, and no other call', async () => {
    const world = await start();
    const peer = world.connect();
    const credential = { flavor: 'sys', machine: 'm', uid: 5, gid: 6, groups: [] } as const;
    const call = { xid: 9, procedure: WHO, credential, args: new XdrWriter().uint32(1) };
    const stamped = encodeCall(call);
    stamped.writeUInt32BE(77, 32);
    peer.call(call, { ...call, xid: 10 });
    peer.write(Buffer.from([0x80, 0, 0, stamped.length]), stamped);
    peer.call(
      { ...call, args: new XdrWriter().uint32(2) },
      { ...call, version: 3 },
      { ...call, credential: { ...credential, uid: 6 } },
      { ...call, credential: { flavor: 'none' } },
    );
    await peer.hear(7);
    const [first, ...others] = world.calls.map(({ checksum }) => checksum);
    expect(others.slice(0, 2)).toEqual([first, first]);
    expect(new Set([first, ...others.slice(2)]).size).toBe(5);
  });
});

describe('every status', () => {
  it.each<[string, RawCall, string]>([
    ['PROG_UNAVAIL', { xid: 1, program: 4 }, 'PROG_UNAVAIL'],
    ['PROG_MISMATCH', { xid: 1, version: 2 }, 'PROG_MISMATCH'],
    ['PROC_UNAVAIL', { xid: 1, procedure: 99 }, 'PROC_UNAVAIL'],
    ['GARBAGE_ARGS', { xid: 1, procedure: ECHO }, 'GARBAGE_ARGS'],
    ['SYSTEM_ERR', { xid: 1, procedure: BROKEN }, 'SYSTEM_ERR'],
    ['AUTH_TOOWEAK', { xid: 1, procedure: GUARDED }, 'AUTH_TOOWEAK'],
  ])('%s, and the connection goes on', async (_, call, refusal) => {
    const world = await start();
    const peer = world.connect();
    peer.call(call, echo(2, 'still here'));
    const replies = await peer.hear(2);
    expect(replies.find(({ xid }) => xid === 1)).toEqual({ xid: 1, refusal });
    expect(textOf(replies.find(({ xid }) => xid === 2))).toBe('still here');
    expect(world.logged.map(({ message }) => message)).toEqual(
      refusal === 'SYSTEM_ERR' ? ['call failed'] : [],
    );
  });

  it('PROG_MISMATCH names the versions there are', async () => {
    const world = await start();
    const peer = world.connect();
    const heard: Buffer[] = [];
    peer.socket.on('data', (bytes: Buffer) => heard.push(bytes));
    peer.call({ xid: 1, version: 2 });
    await peer.hear(1);
    expect(Buffer.concat(heard).subarray(-8).toString('hex')).toBe('0000000100000003');
  });

  it('RPC_MISMATCH and the refusals of credentials', async () => {
    const world = await start();
    const peer = world.connect();
    const otherRpc = recordOf({ xid: 1 });
    otherRpc.writeUInt32BE(3, 12);
    const gss = recordOf({ xid: 2 });
    gss.writeUInt32BE(6, 28);
    const verified = recordOf({ xid: 3 });
    verified.writeUInt32BE(1, 36);
    const badBody = recordOf({ xid: 4 });
    badBody.writeUInt32BE(1, 28);
    peer.write(otherRpc, gss, verified, badBody);
    expect(await peer.hear(4)).toEqual([
      { xid: 1, refusal: 'RPC_MISMATCH' },
      { xid: 2, refusal: 'AUTH_REJECTEDCRED' },
      { xid: 3, refusal: 'AUTH_BADVERF' },
      { xid: 4, refusal: 'AUTH_BADCRED' },
    ]);
  });

  it('NULL is answered for every program; a call may go without a reply', async () => {
    const world = await start();
    const peer = world.connect();
    peer.call({ xid: 1, procedure: SILENT }, { xid: 2 }, { xid: 3, version: 3 });
    expect(xidsOf(await peer.hear(2))).toEqual([2, 3]);
  });
});

describe('backpressure', () => {
  it('holds at most so many calls of a connection in flight, and serves the rest later', async () => {
    const world = await start({ connection: { callsMax: 4 } });
    const peer = world.connect();
    peer.call(...Array.from({ length: 11 }, (_, i) => echo(i, `${i}`, HELD)));
    const other = world.connect();
    other.call(echo(100, 'meanwhile'));
    await other.hear(1);
    await expect.poll(() => [...world.held.keys()]).toEqual([0, 1, 2, 3]);
    for (let answered = 0; answered < 11; answered += 1) {
      await expect.poll(() => world.held.size).toBe(Math.min(4, 11 - answered));
      world.held.get(answered)?.();
      await peer.hear(answered + 1);
    }
    expect(xidsOf(peer.replies)).toEqual(Array.from({ length: 11 }, (_, i) => i));
  });

  it('what waits of a connection stays, whatever others send meanwhile', async () => {
    const world = await start({ connection: { callsMax: 1 } });
    const [one, other] = [world.connect(), world.connect()];
    one.call(echo(1, 'held', HELD), echo(2, 'waits'), echo(3, 'waits, too'));
    while (!world.held.has(1)) await new Promise(setImmediate);
    other.call(echo(1, 'x'.repeat(250_000)));
    await other.hear(1);
    world.held.get(1)?.();
    expect((await one.hear(3)).map(textOf)).toEqual(['held', 'waits', 'waits, too']);
  });

  it('holds at most so many calls of all connections in flight, first come first served', async () => {
    const world = await start({ admission: { callsMax: 2 } });
    const peers = [0, 1, 2, 3].map(() => world.connect());
    for (const [i, peer] of peers.entries()) {
      peer.call(echo(i, `${i}`, HELD));
      await expect.poll(() => world.held.size).toBe(Math.min(2, i + 1));
      peer.call(echo(i + 10, `${i + 10}`, HELD));
    }
    const order: number[] = [];
    while (order.length < 8) {
      const [xid = -1] = world.held.keys();
      order.push(xid);
      world.held.get(xid)?.();
      const peer = peers[xid % 10];
      await peer?.hear(order.filter((each) => each % 10 === xid % 10).length);
      await expect.poll(() => world.held.size).toBe(Math.min(2, 8 - order.length));
    }
    expect(order.toSorted((a, b) => a - b)).toEqual([0, 1, 2, 3, 10, 11, 12, 13]);
  });

  it('begins no call of a peer that does not take its replies', async () => {
    const world = await start({ connection: { unsentBytesMax: 1 << 20 } });
    const peer = world.connect();
    peer.socket.pause();
    // 100 MiB, far more than the sockets hold.
    for (let xid = 0; xid < 100; xid += 1) peer.call(blob(xid, 1 << 20));
    peer.call({ xid: 1000, procedure: WHO });
    const other = world.connect();
    for (let i = 0; i < 50; i += 1) {
      other.call(echo(i, 'meanwhile'));
      await other.hear(i + 1);
    }
    expect(world.calls).toEqual([]);
    peer.socket.resume();
    await peer.hear(101);
    expect(world.calls).toHaveLength(1);
  });
});

describe('memory for records', () => {
  const big = echo(1, 'x'.repeat(300_000));

  it('is waited for, and every record is answered', async () => {
    const world = await start({ admission: { recordBytesMax: 400_000 } });
    const peers = Array.from({ length: 8 }, () => world.connect());
    for (const peer of peers) peer.call(big, { ...big, xid: 2 });
    for (const peer of peers)
      expect((await peer.hear(2)).map((reply) => textOf(reply).length)).toEqual([300_000, 300_000]);
    expect(world.logged).toEqual([]);
  });

  it('held by a record that does not end, is taken back for those who wait', async () => {
    const world = await start({ admission: { recordBytesMax: 400_000, gatherMsMax: 50 } });
    const slow = world.connect();
    slow.write(recordOf(big).subarray(0, 200_000));
    await expect.poll(() => slow.socket.bytesWritten).toBe(200_000);
    const peer = world.connect();
    peer.call(big);
    expect(textOf((await peer.hear(1))[0])).toHaveLength(300_000);
    await slow.end();
  });

  it('is not lost with connections that end within a record', async () => {
    const world = await start({ admission: { recordBytesMax: 400_000 } });
    for (let i = 0; i < 10; i += 1) {
      const peer = world.connect();
      peer.write(recordOf(big).subarray(0, 250_000));
      peer.socket.end();
      await peer.end();
    }
    const peer = world.connect();
    peer.call(big);
    await peer.hear(1);
  });
});

describe('unsent replies', () => {
  const long = (xid: number) => echo(xid, 'l'.repeat(50_000), LONG);

  it('are counted before their calls begin: a connection begins no more of them at once than it may hold', async () => {
    const world = await start({ connection: { unsentBytesMax: 90_000 } });
    const peer = world.connect();
    for (let xid = 0; xid < 20; xid += 1) peer.call(long(xid));
    for (let answered = 0; answered < 20; answered += 1) {
      await expect.poll(() => world.held.size).toBe(Math.min(2, 20 - answered));
      world.held.get(answered)?.();
      await peer.hear(answered + 1);
    }
    expect(world.logged).toEqual([]);
  });

  it('to come count as much as those that are there, and no longer than their calls', async () => {
    const world = await start({ unsentBytesMax: 120_000 });
    const first = world.connect();
    first.call(long(1), long(2));
    await expect.poll(() => world.held.size).toBe(2);
    const second = world.connect();
    second.call(long(3));
    await first.end();
    world.held.get(1)?.();
    world.held.get(2)?.();
    for (let xid = 3; xid < 13; xid += 1) {
      await expect.poll(() => world.held.has(xid)).toBe(true);
      world.held.get(xid)?.();
      await second.hear(xid - 2);
      second.call(long(xid + 1));
    }
    expect(world.logged).toHaveLength(1);
  });

  it('beyond the bound end the connection that takes none', async () => {
    const world = await start({ unsentBytesMax: 24 << 20 });
    const deaf = world.connect();
    deaf.socket.pause();
    for (let xid = 0; xid < 64; xid += 1) deaf.call(blob(xid, 1 << 20));
    await expect.poll(() => world.logged).toHaveLength(1);
    expect(world.logged[0]?.message).toBe('RPC connection ended');
    const peer = world.connect();
    for (let xid = 0; xid < 30; xid += 1) {
      peer.call(blob(xid, 1 << 20));
      await peer.hear(xid + 1);
    }
    deaf.socket.resume();
    await deaf.end();
  });
});

describe('connections', () => {
  it('half closed by the client still get their replies', async () => {
    const world = await start();
    const peer = world.connect({ allowHalfOpen: true });
    peer.call(echo(1, 'slow', HELD), echo(2, 'fast'));
    peer.socket.end();
    await peer.hear(1);
    await expect.poll(() => world.held.size).toBe(1);
    world.held.get(1)?.();
    expect(textOf((await peer.hear(2))[1])).toBe('slow');
    await peer.end();
  });

  it('reset by the client leave no trace', async () => {
    const world = await start();
    for (let i = 0; i < 20; i += 1) {
      const peer = world.connect();
      peer.call(echo(i, 'gone', HELD), blob(100, 1 << 20));
      await expect.poll(() => world.held.has(i)).toBe(true);
      peer.socket.resetAndDestroy();
      world.held.get(i)?.();
    }
    const peer = world.connect();
    peer.call(echo(1, 'here'));
    await peer.hear(1);
    expect(world.logged).toEqual([]);
  });

  it.each([
    ['idle', { idleMsMax: 60 }, Buffer.alloc(0)],
    ['within a record', { stallMsMax: 60 }, Buffer.from([0x80, 0, 1, 0, 1, 2, 3])],
    ['within a mark', { stallMsMax: 60 }, Buffer.from([0x80])],
  ])('%s for too long are ended', async (_, limits, bytes) => {
    const world = await start(limits);
    const peer = world.connect();
    peer.write(bytes);
    await peer.end();
  });

  it('that wait for us are not ended', async () => {
    const pass = stopClock();
    const world = await start({ idleMsMax: 40, stallMsMax: 40 });
    const peer = world.connect();
    peer.call(echo(1, 'in the end', HELD));
    await expect.poll(() => world.held.size).toBe(1);
    // Two that are idle come and go meanwhile.
    for (const idle of [world.connect(), world.connect()]) {
      while (!idle.isEnded) {
        pass(10);
        await new Promise(setImmediate);
      }
    }
    world.held.get(1)?.();
    expect(textOf((await peer.hear(1))[0])).toBe('in the end');
  });

  it('over the bound are closed at once', async () => {
    const world = await start({ connectionsMax: 2 });
    const kept = [world.connect(), world.connect()];
    for (const peer of kept) {
      peer.call({ xid: 1 });
      await peer.hear(1);
    }
    await world.connect().end();
    kept[0]?.call({ xid: 2 });
    await kept[0]?.hear(2);
  });

  it('are closed with the server, after what is in flight', async () => {
    const world = await start({ closeMsMax: 60_000 });
    const peer = world.connect();
    peer.call(echo(1, 'last words', HELD));
    await expect.poll(() => world.held.size).toBe(1);
    const closed = world.server.close();
    peer.call(echo(2, 'too late'));
    world.held.get(1)?.();
    expect(textOf((await peer.hear(1))[0])).toBe('last words');
    await peer.end();
    await closed;
  });

  it('are closed with the server also if what is in flight does not end', async () => {
    const world = await start({ closeMsMax: 30 });
    const peer = world.connect();
    peer.call(echo(1, 'never', HELD));
    await expect.poll(() => world.held.size).toBe(1);
    await world.server.close();
    await peer.end();
  });

  it('cannot be listened for on a port in use', async () => {
    const world = await start();
    const other = await start();
    await other.server.close();
    await expect(other.server.listen({ host: '127.0.0.1', port: world.port })).rejects.toThrow('EADDRINUSE');
  });
});

/** What is under way over TCP is bounded: calls, the memory for records, and replies that nobody takes. */

import { describe, expect, it } from 'vitest';
import { blob, echo, textOf, xidsOf } from './calls.ts';
import { recordOf } from './rawPeer.ts';
import { HELD, LONG, start, WHO } from './world.ts';

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

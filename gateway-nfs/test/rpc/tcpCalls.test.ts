/** Calls over TCP: each is answered, with what it asked for or with the reason why not. */

import { describe, expect, it } from 'vitest';
import { XdrWriter } from '../../src/xdr/writer.ts';
import { blob, echo, textOf, xidsOf } from './calls.ts';
import { encodeCall, type RawCall, recordOf, TEST_PROGRAM } from './rawPeer.ts';
import { BROKEN, ECHO, GUARDED, HELD, SILENT, start, WHO } from './world.ts';

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

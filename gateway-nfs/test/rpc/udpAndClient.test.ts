import dgram from 'node:dgram';
import net, { type AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { callRpc, RpcError, type RpcRequest } from '../../src/rpc/client.ts';
import type { RpcCall } from '../../src/rpc/program.ts';
import { createUdpServer } from '../../src/rpc/udpServer.ts';
import { XdrWriter } from '../../src/xdr/writer.ts';
import { encodeCall, TEST_PROGRAM } from './rawPeer.ts';
import { BLOB, BROKEN, ECHO, GUARDED, SILENT, startWorld, testProgram, WHO } from './world.ts';

const closing: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

interface Udp {
  readonly port: number;
  readonly calls: RpcCall[];
  readonly logged: string[];
}

async function startUdp(host = '127.0.0.1'): Promise<Udp> {
  const calls: RpcCall[] = [];
  const logged: string[] = [];
  const keep = (_: object, message: string): void => {
    logged.push(message);
  };
  const server = createUdpServer({
    programs: [testProgram(calls, new Map())],
    log: { warn: keep, error: keep, info: () => undefined },
  });
  closing.push(() => server.close());
  const { port } = await server.listen({ host, port: 0 });
  return { port, calls, logged };
}

async function startTcp(): Promise<number> {
  const world = await startWorld();
  closing.push(() => world.close());
  return world.port;
}

const request = (over: Partial<RpcRequest> & { readonly port: number }): RpcRequest => ({
  ...{ host: '127.0.0.1', transport: 'udp', program: TEST_PROGRAM, version: 1, procedure: 0 },
  ...{ args: new XdrWriter(), timeoutMs: 10_000, ...over },
});

describe.each(['tcp', 'udp'] as const)('a call by %s', (transport) => {
  const start = async (): Promise<number> => (transport === 'tcp' ? startTcp() : (await startUdp()).port);

  it('has its results', async () => {
    const port = await start();
    const data = Buffer.alloc(transport === 'tcp' ? 1 << 20 : 60_000, 'd');
    const args = new XdrWriter().opaque(data);
    const results = await callRpc(request({ port, transport, procedure: ECHO, args }));
    expect(results.opaque(data.length).equals(data)).toBe(true);
    results.end();
  });

  it.each<[string, Partial<RpcRequest>]>([
    ['PROG_UNAVAIL', { program: 1 }],
    ['PROG_MISMATCH', { version: 2 }],
    ['PROC_UNAVAIL', { procedure: 99 }],
    ['GARBAGE_ARGS', { procedure: ECHO }],
    ['SYSTEM_ERR', { procedure: BROKEN }],
    ['AUTH_TOOWEAK', { procedure: GUARDED }],
  ])('may be refused: %s', async (refusal, over) => {
    const port = await start();
    await expect(callRpc(request({ port, transport, ...over }))).rejects.toThrow(`was refused: ${refusal}`);
  });

  it('may bring a credential', async () => {
    const credential = { flavor: 'sys', machine: 'm', uid: 0, gid: 0, groups: [] } as const;
    const port = await start();
    await callRpc(request({ port, transport, procedure: GUARDED, credential }));
  });

  it('fails where nobody listens', async () => {
    const taken = net.createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => taken.on('listening', resolve));
    const { port } = taken.address() as AddressInfo;
    await new Promise((resolve) => taken.close(resolve));
    await expect(callRpc(request({ port, transport }))).rejects.toThrow(RpcError);
  });

  it('fails when its time is up', async () => {
    const port = await start();
    await expect(callRpc(request({ port, transport, procedure: SILENT, timeoutMs: 50 }))).rejects.toThrow(
      'was not answered within 50 ms',
    );
  });
});

describe('a datagram from nowhere', () => {
  it('is dropped: nothing can be sent to port 0, and the server goes on', async () => {
    const created = vi.spyOn(dgram, 'createSocket');
    closing.push(() => created.mockRestore());
    const { port, logged } = await startUdp();
    const [socket] = created.mock.results.map(({ value }): dgram.Socket => value);
    const bytes = encodeCall({ xid: 1 });
    expect(socket).toBeDefined();
    socket?.emit('message', bytes, { address: '127.0.0.1', port: 0, family: 'IPv4', size: bytes.length });
    await callRpc(request({ port }));
    expect(logged).toEqual([]);
  });
});

describe('the client', () => {
  it('fails when the connection ends, or the answer is nonsense', async () => {
    for (const [answer, words] of [
      ['', 'the connection ended'],
      ['8000000400000001', 'nonsense'],
      ['ffffffff', 'nonsense'],
      ['800000080000000100000000', 'nonsense'],
    ]) {
      const server = net
        .createServer((socket) => socket.end(Buffer.from(answer ?? '', 'hex')))
        .listen(0, '127.0.0.1');
      closing.push(() => server.close());
      await new Promise((resolve) => server.on('listening', resolve));
      const { port } = server.address() as AddressInfo;
      await expect(callRpc(request({ port, transport: 'tcp' }))).rejects.toThrow(words);
    }
  });

  it('sends a datagram again that was not answered', async () => {
    const socket = dgram.createSocket('udp4');
    closing.push(() => socket.close());
    let heard = 0;
    socket.on('message', (bytes, { port, address }) => {
      heard += 1;
      const reply = Buffer.concat([bytes.subarray(0, 4), Buffer.from('00000001', 'hex'), Buffer.alloc(16)]);
      const other = Buffer.from(reply);
      other.writeInt32BE(~other.readInt32BE(0));
      // First an answer to something else, and noise.
      if (heard === 1) socket.send(Buffer.from('noise'), port, address);
      socket.send(heard === 1 ? other : reply, port, address);
    });
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
    const results = await callRpc(request({ port: socket.address().port }));
    expect(heard).toBe(2);
    expect(results.left).toBe(0);
  });
});

describe('the UDP server', () => {
  it('tells who calls, IPv4 by an IPv6 socket included', async () => {
    const { port, calls } = await startUdp('::');
    await callRpc(request({ port, procedure: WHO }));
    expect(calls[0]).toMatchObject({ transport: 'udp', peer: { address: '127.0.0.1' } });
  });

  it('refuses what has no room in a datagram', async () => {
    const { port, logged } = await startUdp();
    const args = new XdrWriter().uint32(100_000);
    await expect(callRpc(request({ port, procedure: BLOB, args }))).rejects.toThrow('SYSTEM_ERR');
    expect(logged).toEqual(['RPC reply is too long for UDP']);
  });

  it('drops what is not a call, and serves on', async () => {
    const { port, logged } = await startUdp();
    const socket = dgram.createSocket('udp4');
    closing.push(() => socket.close());
    const call = encodeCall({ xid: 1, procedure: ECHO, args: new XdrWriter().opaque(Buffer.from('x')) });
    for (let length = 0; length <= call.length; length += 1)
      socket.send(call.subarray(0, length), port, '127.0.0.1');
    socket.send(Buffer.alloc(60_000, 0xff), port, '127.0.0.1');
    await callRpc(request({ port }));
    expect(logged).toEqual([]);
  });
});

/** A TCP server of one program whose calls end when the test says so. */
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import type { Program, RpcCall } from '../../src/rpc/program.ts';
import {
  createTcpServer,
  TCP_SERVER_LIMITS,
  type TcpServer,
  type TcpServerLimits,
} from '../../src/rpc/tcpServer.ts';
import type { XdrReader } from '../../src/xdr/reader.ts';
import { XdrWriter } from '../../src/xdr/writer.ts';
import { RawPeer, TEST_PROGRAM } from './rawPeer.ts';

/** What the program's procedures do, by number. */
export const ECHO = 1;
/** Answers with so many bytes as it is told. */
export const BLOB = 2;
/** Waits for `World.release`, then answers as ECHO. */
export const HELD = 3;
/** Fails in a way that is a fault of ours. */
export const BROKEN = 4;
/** Sends no reply. */
export const SILENT = 5;
/** Tells of who calls. */
export const WHO = 6;
/** Is refused to whoever comes by AUTH_NONE. */
export const GUARDED = 7;
/** As HELD, but is known beforehand to answer with as many bytes as it is sent. */
export const LONG = 8;

const BLOB_BYTES = Buffer.alloc(1 << 20, 'b');
const BYTES_MAX = 1 << 20;

export interface World {
  readonly server: TcpServer;
  readonly port: number;
  readonly logged: { readonly message: string; readonly fields: object }[];
  readonly calls: RpcCall[];
  /** Calls of HELD that wait, by xid. */
  readonly held: Map<number, () => void>;
  connect(options?: { readonly allowHalfOpen?: boolean }): RawPeer;
  close(): Promise<void>;
}

export interface WorldLimits extends Partial<Omit<TcpServerLimits, 'connection' | 'admission'>> {
  readonly connection?: Partial<TcpServerLimits['connection']>;
  readonly admission?: Partial<TcpServerLimits['admission']>;
}

export function testProgram(calls: RpcCall[], held: Map<number, () => void>): Program {
  const hold = async (args: XdrReader, call: RpcCall): Promise<XdrWriter> => {
    const data = args.opaque(BYTES_MAX);
    await new Promise<void>((resolve) => held.set(call.xid, resolve));
    held.delete(call.xid);
    return new XdrWriter().opaque(data);
  };
  const procedures: Program['procedures'] = new Map<
    number,
    Program['procedures'] extends ReadonlyMap<number, infer P> ? P : never
  >([
    [ECHO, async (args) => new XdrWriter().opaque(args.opaque(BYTES_MAX))],
    [BLOB, async (args) => new XdrWriter().opaque(BLOB_BYTES.subarray(0, args.uint32()))],
    [HELD, (args, call) => hold(args, call)],
    [LONG, (args, call) => hold(args, call)],
    [
      BROKEN,
      async () => {
        throw new Error('broken on purpose');
      },
    ],
    [SILENT, async () => undefined],
    [
      WHO,
      async (_, call) => {
        calls.push(call);
        return new XdrWriter();
      },
    ],
    [GUARDED, async () => new XdrWriter()],
  ]);
  return {
    program: TEST_PROGRAM,
    version: 1,
    procedures,
    resultBytes: new Map([[LONG, (args) => args.length]]),
    allows: (call) =>
      call.procedure === GUARDED && call.credential.flavor === 'none' ? 'AUTH_TOOWEAK' : undefined,
  };
}

export async function startWorld(limits: WorldLimits = {}): Promise<World> {
  const logged: World['logged'] = [];
  const calls: RpcCall[] = [];
  const held = new Map<number, () => void>();
  const keep = (fields: object, message: string): void => {
    logged.push({ message, fields });
  };
  const program = testProgram(calls, held);
  const server = createTcpServer({
    programs: [program, { ...program, version: 3 }],
    log: { error: keep, warn: keep, info: () => undefined },
    limits: {
      ...TCP_SERVER_LIMITS,
      ...limits,
      connection: { ...TCP_SERVER_LIMITS.connection, ...limits.connection },
      admission: { ...TCP_SERVER_LIMITS.admission, ...limits.admission },
    },
  });
  const { port }: AddressInfo = await server.listen({ host: '127.0.0.1', port: 0 });
  const peers: RawPeer[] = [];
  return {
    ...{ server, port, logged, calls, held },
    connect: (options) => {
      const peer = new RawPeer(port, options);
      peers.push(peer);
      return peer;
    },
    close: async () => {
      for (const peer of peers) peer.socket.destroy();
      for (const release of held.values()) release();
      await server.close();
    },
  };
}

/** A world that ends with the test. */
export async function start(limits?: WorldLimits): Promise<World> {
  const world = await startWorld(limits);
  onTestFinished(() => world.close());
  return world;
}

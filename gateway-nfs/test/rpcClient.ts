/** An ONC RPC client of one TCP connection, for the tests: several calls may be under way. */
import { once } from 'node:events';
import net from 'node:net';
import { In, Out } from './wire.ts';

export interface Who {
  readonly uid: number;
  readonly gid?: number;
  readonly groups?: readonly number[];
  /** What its host calls itself. */
  readonly machine?: string;
}

export interface Call {
  readonly program: number;
  readonly version?: number;
  readonly procedure: number;
  readonly args?: Buffer;
  /** Null: AUTH_NONE. */
  readonly who?: Who | null;
  readonly xid?: number;
}

export interface Answer {
  /** accept_stat. */
  readonly accepted: number;
  readonly results: In;
}

const LAST_FRAGMENT = 0x8000_0000;

export function credentialOf(who: Who | null): Buffer {
  if (!who) return new Out().u32(0, 0).bytes();
  const groups = who.groups ?? [];
  const body = new Out()
    .u32(0)
    .opaque(who.machine ?? 'test')
    .u32(who.uid, who.gid ?? who.uid, groups.length, ...groups);
  return new Out().u32(1).opaque(body.bytes()).bytes();
}

export class RpcTestClient {
  readonly #socket: net.Socket;
  readonly #waiting = new Map<number, (reply: In) => void>();
  #received = Buffer.alloc(0);
  #xid = 1;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
  }

  static async connect(port: number, localAddress?: string): Promise<RpcTestClient> {
    const socket = net.connect({ port, host: '127.0.0.1', ...(localAddress && { localAddress }) });
    await once(socket, 'connect');
    return new RpcTestClient(socket);
  }

  async call(call: Call): Promise<Answer> {
    const xid = call.xid ?? this.#xid++;
    const message = new Out()
      .u32(xid, 0, 2, call.program, call.version ?? 3, call.procedure)
      .raw(credentialOf(call.who === undefined ? { uid: 1000 } : call.who))
      .u32(0, 0)
      .raw(call.args ?? Buffer.alloc(0))
      .bytes();
    const { promise, resolve } = Promise.withResolvers<In>();
    this.#waiting.set(xid, resolve);
    this.#socket.write(Buffer.concat([new Out().u32(LAST_FRAGMENT | message.length).bytes(), message]));
    const reply = await promise;
    const [kind, replied] = [reply.u32(), reply.u32()];
    if (kind !== 1 || replied !== 0) throw new Error(`the call was denied: ${kind}, ${replied}`);
    reply.u32();
    reply.opaque();
    return { accepted: reply.u32(), results: reply };
  }

  #take(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    while (this.#received.length >= 4) {
      const length = this.#received.readUInt32BE() & 0x7fff_ffff;
      if (this.#received.length < 4 + length) return;
      const reply = new In(this.#received.subarray(4, 4 + length));
      this.#received = this.#received.subarray(4 + length);
      const xid = reply.u32();
      this.#waiting.get(xid)?.(reply);
      this.#waiting.delete(xid);
    }
  }

  close(): void {
    this.#socket.destroy();
  }
}

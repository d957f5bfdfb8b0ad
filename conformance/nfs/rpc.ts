/**
 * Calls of NFSv3 as bytes on a socket: the same call can be sent once more after the server was killed, which no
 * kernel lets itself be told to do.
 * @source RFC 5531, RFC 1813
 */
import { once } from 'node:events';
import net from 'node:net';

const LAST_FRAGMENT = 0x8000_0000;
const NFS = 100003;
const MOUNT = 100005;
const AUTH_SYS = 1;
const WITHIN_MS = 30_000;

export const PROCEDURES = {
  SETATTR: 2,
  LOOKUP: 3,
  WRITE: 7,
  CREATE: 8,
  MKDIR: 9,
  SYMLINK: 10,
  REMOVE: 12,
  RMDIR: 13,
  RENAME: 14,
  LINK: 15,
  READDIR: 16,
  READDIRPLUS: 17,
} as const;

export const OK = 0;
export const EXIST = 17;
export const NOENT = 2;
export const NOSPC = 28;

export interface Call {
  readonly xid: number;
  readonly procedure: keyof typeof PROCEDURES;
  readonly args: Buffer;
}

/** What follows the RPC header: its first word is the status. */
export interface Reply {
  readonly status: number;
  readonly results: Buffer;
}

export function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, 4 * at);
  return bytes;
}

export function opaque(bytes: Buffer | string): Buffer {
  const data = Buffer.from(bytes);
  return Buffer.concat([words(data.length), data, Buffer.alloc((4 - (data.length % 4)) % 4)]);
}

/** A `diropargs3`. */
export const place = (directory: Buffer, name: string): Buffer =>
  Buffer.concat([opaque(directory), opaque(name)]);

/** A `sattr3` that sets nothing. */
export const NO_ATTRIBUTES = words(0, 0, 0, 0, 0, 0);

/** The handle in the results of a procedure that makes something: a `post_op_fh3` right after the status. */
export function handleMade({ status, results }: Reply): Buffer {
  if (status !== OK || results.readUInt32BE(4) !== 1) throw new Error(`no handle in an answer ${status}`);
  return results.subarray(12, 12 + results.readUInt32BE(8));
}

/** The handle in the results of LOOKUP: right after the status. */
export function handleFound({ status, results }: Reply): Buffer {
  if (status !== OK) throw new Error(`no handle in an answer ${status}`);
  return results.subarray(8, 8 + results.readUInt32BE(4));
}

/** One connection, one call at a time, from an address that the server knows the client by. */
export class RpcConnection {
  readonly #socket: net.Socket;
  readonly #gone = new AbortController();
  #received = Buffer.alloc(0);

  private constructor(socket: net.Socket) {
    this.#socket = socket;
    socket.on('error', () => undefined);
    socket.on('close', () => this.#gone.abort());
  }

  static async open(port: number, localAddress: string): Promise<RpcConnection> {
    const socket = net.connect({ host: '127.0.0.1', port, localAddress });
    await once(socket, 'connect');
    return new RpcConnection(socket);
  }

  async mount(path: string): Promise<Buffer> {
    const results = await this.#send({ xid: 1, program: MOUNT, procedure: 1, args: opaque(path) });
    if (results.readUInt32BE(0) !== OK) throw new Error(`MNT ${path} answered ${results.readUInt32BE(0)}`);
    return results.subarray(8, 8 + results.readUInt32BE(4));
  }

  /** @throws Error when the connection ends before the answer */
  async call({ xid, procedure, args }: Call): Promise<Reply> {
    const results = await this.#send({ xid, program: NFS, procedure: PROCEDURES[procedure], args });
    return { status: results.readUInt32BE(0), results };
  }

  close(): void {
    this.#socket.destroy();
  }

  async #send(call: { xid: number; program: number; procedure: number; args: Buffer }): Promise<Buffer> {
    const root = Buffer.concat([words(0), opaque('conformance'), words(0, 0, 0)]);
    const message = Buffer.concat([
      words(call.xid, 0, 2, call.program, 3, call.procedure, AUTH_SYS),
      opaque(root),
      words(0, 0),
      call.args,
    ]);
    this.#socket.write(Buffer.concat([words(LAST_FRAGMENT | message.length), message]));
    const reply = await this.#record();
    const [xid, kind, denied] = [reply.readUInt32BE(0), reply.readUInt32BE(4), reply.readUInt32BE(8)];
    const verifierBytes = reply.readUInt32BE(16);
    const accepted = reply.readUInt32BE(20 + verifierBytes);
    if (xid !== call.xid || kind !== 1 || denied !== 0 || accepted !== 0) {
      throw new Error(`call ${call.xid} was answered ${xid}: ${kind}, ${denied}, ${accepted}`);
    }
    return reply.subarray(24 + verifierBytes);
  }

  /** Answers are one fragment each. */
  async #record(): Promise<Buffer> {
    const signal = AbortSignal.any([AbortSignal.timeout(WITHIN_MS), this.#gone.signal]);
    for (;;) {
      const lengthBytes = this.#received.length < 4 ? 0 : this.#received.readUInt32BE(0) & 0x7fff_ffff;
      if (lengthBytes > 0 && this.#received.length >= 4 + lengthBytes) {
        const record = this.#received.subarray(4, 4 + lengthBytes);
        this.#received = this.#received.subarray(4 + lengthBytes);
        return record;
      }
      const [chunk]: Buffer[] = await once(this.#socket, 'data', { signal });
      this.#received = Buffer.concat([this.#received, chunk ?? Buffer.alloc(0)]);
    }
  }
}

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
  READ: 6,
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
  COMMIT: 21,
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

interface Message {
  readonly xid: number;
  readonly program: number;
  readonly procedure: number;
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

/** Who calls, and a verifier of nothing. */
const ROOT = Buffer.concat([
  opaque(Buffer.concat([words(0), opaque('conformance'), words(0, 0, 0)])),
  words(0, 0),
]);

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

/** One connection, one call at a time or many, from an address that the server knows the client by. */
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

  /**
   * Makes calls until there are no more, so many on their way at once.
   * @throws Error at an answer that is not OK, and when the connection ends before all are answered
   */
  async callAll(calls: Iterator<Call, unknown>, atOnce: number): Promise<void> {
    const onTheirWay = new Map<number, Call>();
    for (;;) {
      const messages: Buffer[] = [];
      while (onTheirWay.size < atOnce) {
        const next = calls.next();
        if (next.done) break;
        const { xid, procedure, args } = next.value;
        onTheirWay.set(xid, next.value);
        messages.push(messageOf({ xid, program: NFS, procedure: PROCEDURES[procedure], args }));
      }
      if (messages.length > 0) this.#socket.write(Buffer.concat(messages));
      if (onTheirWay.size === 0) return;
      let record: Buffer | undefined = await this.#record();
      // What came together is taken together, and so the next ones go together.
      for (; record !== undefined; record = this.#recordReceived()) {
        const { xid, results } = readReply(record);
        const call = onTheirWay.get(xid);
        const status = results.readUInt32BE(0);
        if (call === undefined) throw new Error(`an answer to no call: ${xid}`);
        if (status !== OK) throw new Error(`${call.procedure} ${xid} was answered ${status}`);
        onTheirWay.delete(xid);
      }
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  async #send(call: Message): Promise<Buffer> {
    this.#socket.write(messageOf(call));
    const { xid, results } = readReply(await this.#record());
    if (xid !== call.xid) throw new Error(`call ${call.xid} was answered ${xid}`);
    return results;
  }

  async #record(): Promise<Buffer> {
    const received = this.#recordReceived();
    if (received !== undefined) return received;
    const signal = AbortSignal.any([AbortSignal.timeout(WITHIN_MS), this.#gone.signal]);
    for (;;) {
      const [chunk]: Buffer[] = await once(this.#socket, 'data', { signal });
      this.#received = Buffer.concat([this.#received, chunk ?? Buffer.alloc(0)]);
      const record = this.#recordReceived();
      if (record !== undefined) return record;
    }
  }

  /** Answers are one fragment each. */
  #recordReceived(): Buffer | undefined {
    const lengthBytes = this.#received.length < 4 ? 0 : this.#received.readUInt32BE(0) & 0x7fff_ffff;
    if (lengthBytes === 0 || this.#received.length < 4 + lengthBytes) return undefined;
    const record = this.#received.subarray(4, 4 + lengthBytes);
    this.#received = this.#received.subarray(4 + lengthBytes);
    return record;
  }
}

function messageOf({ xid, program, procedure, args }: Message): Buffer {
  const lengthBytes = 28 + ROOT.length + args.length;
  return Buffer.concat([
    words(LAST_FRAGMENT | lengthBytes, xid, 0, 2, program, 3, procedure, AUTH_SYS),
    ROOT,
    args,
  ]);
}

function readReply(reply: Buffer): { xid: number; results: Buffer } {
  const [xid, kind, denied] = [reply.readUInt32BE(0), reply.readUInt32BE(4), reply.readUInt32BE(8)];
  const verifierBytes = reply.readUInt32BE(16);
  const accepted = reply.readUInt32BE(20 + verifierBytes);
  if (kind !== 1 || denied !== 0 || accepted !== 0) {
    throw new Error(`call ${xid} was answered: ${kind}, ${denied}, ${accepted}`);
  }
  return { xid, results: reply.subarray(24 + verifierBytes) };
}

/** One connection, one call at a time or many: the same call can be sent once more, which no kernel lets itself be told. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { NoReply, WrongReply } from './faults.ts';
import { type CallMessage, callRecord, type ReplyMessage, readReply, takeRecord } from './message.ts';
import {
  type Call,
  HANDLE_BYTES_MAX,
  MNT,
  MOUNT_PROGRAM,
  NFS_PROGRAM,
  OK,
  PROCEDURES,
  type Reply,
  replyOf,
} from './nfs3.ts';
import { Cursor, opaque } from './xdr.ts';

const HOST = '127.0.0.1';
const WITHIN_MS = 30_000;
const MOUNT_XID = 1;

export interface RpcAddress {
  readonly port: number;
  /** The server knows a client by it. */
  readonly localAddress?: string;
  /** A connection, or a reply, comes in that time. */
  readonly withinMs?: number;
}

export class RpcConnection {
  readonly #socket: Socket;
  readonly #withinMs: number;
  #received: Buffer = Buffer.alloc(0);
  /** Why nothing more comes. */
  #end: string | undefined;
  #wake: () => void = () => undefined;

  private constructor(socket: Socket, withinMs: number) {
    this.#socket = socket;
    this.#withinMs = withinMs;
    socket.on('data', (chunk: Buffer) => {
      this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
      this.#wake();
    });
    const end = (why: string): void => {
      this.#end ??= why;
      this.#wake();
    };
    socket.on('error', (error) => end(error.message));
    socket.on('end', () => end('the server ended the connection'));
    socket.on('close', () => end('the connection was closed'));
  }

  /** @throws NoReply */
  static async open({ port, localAddress, withinMs = WITHIN_MS }: RpcAddress): Promise<RpcConnection> {
    const socket = connect({ host: HOST, port, noDelay: true, ...(localAddress && { localAddress }) });
    const tooLate = new NoReply('silence', `no connection to port ${port} within ${withinMs} ms`);
    const timer = setTimeout(() => socket.destroy(tooLate), withinMs);
    try {
      await once(socket, 'connect');
    } catch (error) {
      if (error === tooLate) throw error;
      throw new NoReply('broken', error instanceof Error ? error.message : String(error));
    } finally {
      clearTimeout(timer);
    }
    return new RpcConnection(socket, withinMs);
  }

  /** @returns the handle of an export's root. @throws NoReply | WrongReply (when it is refused, too) */
  async mount(path: string): Promise<Buffer> {
    const call = { xid: MOUNT_XID, program: MOUNT_PROGRAM, procedure: MNT, args: opaque(path) };
    const { status, results } = replyOf(await this.#send(call));
    if (status !== OK) throw new WrongReply(`MNT ${path} was answered ${status}`);
    const from = new Cursor(results);
    const root = from.opaque(HANDLE_BYTES_MAX);
    // The flavors of credentials that it takes.
    for (let left = from.word(); left > 0; left -= 1) from.word();
    from.end();
    return root;
  }

  /** @throws NoReply | WrongReply */
  async call({ xid, procedure, args }: Call): Promise<Reply> {
    return replyOf(await this.#send({ xid, program: NFS_PROGRAM, procedure: PROCEDURES[procedure], args }));
  }

  /**
   * Makes calls until there are no more, so many on their way at once.
   * @throws NoReply | WrongReply (at an answer that is not OK, too)
   */
  async callAll(calls: Iterator<Call, unknown>, atOnce: number): Promise<void> {
    const onTheirWay = new Map<number, Call>();
    for (;;) {
      const records: Buffer[] = [];
      while (onTheirWay.size < atOnce) {
        const next = calls.next();
        if (next.done) break;
        const { xid, procedure, args } = next.value;
        onTheirWay.set(xid, next.value);
        records.push(callRecord({ xid, program: NFS_PROGRAM, procedure: PROCEDURES[procedure], args }));
      }
      if (records.length > 0) this.#socket.write(Buffer.concat(records));
      if (onTheirWay.size === 0) return;
      let reply: ReplyMessage | undefined = await this.#reply();
      // What came together is taken together, and so the next ones go together.
      for (; reply !== undefined; reply = this.#replyReceived()) {
        const { xid, results } = reply;
        const call = onTheirWay.get(xid);
        const { status } = replyOf(results);
        if (call === undefined) throw new WrongReply(`an answer to no call: ${xid}`);
        if (status !== OK) throw new WrongReply(`${call.procedure} ${xid} was answered ${status}`);
        onTheirWay.delete(xid);
      }
    }
  }

  close(): void {
    this.#socket.destroy();
  }

  async #send(call: CallMessage): Promise<Buffer> {
    this.#socket.write(callRecord(call));
    const { xid, results } = await this.#reply();
    if (xid !== call.xid) throw new WrongReply(`call ${call.xid} was answered as ${xid}`);
    return results;
  }

  async #reply(): Promise<ReplyMessage> {
    let timer: NodeJS.Timeout | undefined;
    let isLate = false;
    try {
      for (;;) {
        const reply = this.#replyReceived();
        if (reply !== undefined) return reply;
        if (this.#end !== undefined) {
          throw new NoReply('broken', `${this.#end}, ${this.#received.length} bytes into a reply`);
        }
        if (isLate) throw new NoReply('silence', `no reply within ${this.#withinMs} ms`);
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
          timer ??= setTimeout(() => {
            isLate = true;
            this.#wake();
          }, this.#withinMs);
        });
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #replyReceived(): ReplyMessage | undefined {
    const taken = takeRecord(this.#received);
    if (taken === undefined) return undefined;
    this.#received = taken.rest;
    return readReply(taken.record);
  }
}

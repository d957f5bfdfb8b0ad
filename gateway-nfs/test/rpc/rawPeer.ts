/** A bare connection to an RPC server: writes what it is told, keeps the records it hears. */
import net from 'node:net';
import { type Credential, NO_CREDENTIAL } from '../../src/rpc/credentials.ts';
import { type ReadReply, readReply, writeCall } from '../../src/rpc/message.ts';
import { RecordReader, recordMark } from '../../src/rpc/recordMarking.ts';
import { XdrWriter } from '../../src/xdr/writer.ts';

export interface RawCall {
  readonly xid: number;
  readonly program?: number;
  readonly version?: number;
  readonly procedure?: number;
  readonly credential?: Credential;
  readonly args?: XdrWriter;
}

/** The program that `encodeCall` asks when it is told of no other. */
export const TEST_PROGRAM = 300_000;

/** Without a record mark. */
export function encodeCall(call: RawCall): Buffer {
  const writer = new XdrWriter();
  writeCall(writer, {
    program: TEST_PROGRAM,
    version: 1,
    procedure: 0,
    credential: NO_CREDENTIAL,
    args: new XdrWriter(),
    ...call,
  });
  return Buffer.concat(writer.pieces);
}

export function encodeRecord(bytes: Buffer): Buffer {
  const marked = new XdrWriter().uint32(recordMark(bytes.length));
  return Buffer.concat([...marked.pieces, bytes]);
}

export const recordOf = (call: RawCall): Buffer => encodeRecord(encodeCall(call));

export class RawPeer {
  readonly socket: net.Socket;
  readonly replies: ReadReply[] = [];
  /** The other side has closed or reset. */
  isEnded = false;
  #wake = Promise.withResolvers<void>();

  constructor(port: number, options: { readonly allowHalfOpen?: boolean } = {}) {
    const bounds = { recordBytesMax: 2 << 20, fragmentsMax: 100 };
    const records = new RecordReader(bounds, () => true);
    this.socket = net.connect({ port, host: '127.0.0.1', ...options });
    this.socket.on('data', (chunk: Buffer) => {
      records.push(chunk);
      for (let next = records.next(); next.kind === 'record'; next = records.next()) {
        this.replies.push(readReply(next.bytes));
      }
      this.#stir();
    });
    const ended = (): void => {
      this.isEnded = true;
      this.#stir();
    };
    this.socket
      .on('error', () => undefined)
      .on('end', ended)
      .on('close', ended);
  }

  #stir(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
  }

  write(...pieces: readonly Buffer[]): void {
    for (const piece of pieces) this.socket.write(piece);
  }

  call(...calls: readonly RawCall[]): void {
    this.socket.write(Buffer.concat(calls.map(recordOf)));
  }

  /** Waits until so many replies are here in all. */
  async hear(count: number): Promise<readonly ReadReply[]> {
    while (this.replies.length < count) {
      if (this.isEnded)
        throw new Error(`the connection ended after ${this.replies.length} of ${count} replies`);
      await this.#wake.promise;
    }
    return this.replies;
  }

  async end(): Promise<void> {
    while (!this.isEnded) await this.#wake.promise;
  }
}

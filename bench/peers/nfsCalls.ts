/** The two calls of NFSv3 that rename a directory, as bytes on a socket. @source RFC 5531, RFC 1813 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { HOST } from './servers/server.ts';

const MOUNT = { program: 100005, version: 3, procedure: 1 };
const RENAME = { program: 100003, version: 3, procedure: 14 };
const LAST_FRAGMENT = 0x8000_0000;
const REPLY_BYTES_MAX = 1 << 16;

export interface Mounted {
  readonly nfsPort: number;
  readonly mountPort: number;
  readonly exportPath: string;
}

export class NfsCalls implements AsyncDisposable {
  readonly #socket: Socket;
  readonly #root: Buffer;

  private constructor(socket: Socket, root: Buffer) {
    this.#socket = socket;
    this.#root = root;
  }

  static async mount({ nfsPort, mountPort, exportPath }: Mounted): Promise<NfsCalls> {
    const mounting = await open(mountPort);
    const reply = await call(mounting, MOUNT, opaque(exportPath));
    mounting.destroy();
    if (reply.readUInt32BE(0) !== 0) throw new Error(`MNT was answered ${reply.readUInt32BE(0)}`);
    const root = reply.subarray(8, 8 + reply.readUInt32BE(4));
    return new NfsCalls(await open(nfsPort), root);
  }

  /** Of names in the root. */
  async rename(from: string, to: string): Promise<void> {
    const place = (name: string) => [opaque(this.#root), opaque(name)];
    const reply = await call(this.#socket, RENAME, Buffer.concat([...place(from), ...place(to)]));
    if (reply.readUInt32BE(0) !== 0) throw new Error(`RENAME was answered ${reply.readUInt32BE(0)}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#socket.destroy();
  }
}

async function open(port: number): Promise<Socket> {
  const socket = connect({ host: HOST, port, noDelay: true });
  await once(socket, 'connect');
  return socket;
}

/** @returns what follows the header of an accepted reply: its first word is the status */
async function call(socket: Socket, to: typeof MOUNT, args: Buffer): Promise<Buffer> {
  const credential = Buffer.concat([words(0), opaque('bench'), words(0, 0, 0)]);
  const message = Buffer.concat([
    words(1, 0, 2, to.program, to.version, to.procedure, 1),
    opaque(credential),
    words(0, 0),
    args,
  ]);
  socket.write(Buffer.concat([words(LAST_FRAGMENT + message.length), message]));
  let got = Buffer.alloc(0);
  for (;;) {
    const [chunk]: Buffer[] = await once(socket, 'data');
    got = Buffer.concat([got, chunk ?? Buffer.alloc(0)]);
    if (got.length < 4) continue;
    const lengthBytes = got.readUInt32BE(0) - LAST_FRAGMENT;
    if (lengthBytes > REPLY_BYTES_MAX || lengthBytes < 24) throw new Error('no reply of one fragment');
    if (got.length >= 4 + lengthBytes) break;
  }
  // xid, reply, accepted, verifier (none), success
  if (got.readUInt32BE(12) !== 0 || got.readUInt32BE(24) !== 0) throw new Error('a call was not accepted');
  return got.subarray(28);
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value, 4 * at);
  return bytes;
}

function opaque(bytes: Buffer | string): Buffer {
  const data = Buffer.from(bytes);
  return Buffer.concat([words(data.length), data, Buffer.alloc((4 - (data.length % 4)) % 4)]);
}

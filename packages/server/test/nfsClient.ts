/** Just enough of an NFS client, as uid 1000, to see that the door is open: one call at a time. */
import { once } from 'node:events';
import net from 'node:net';
import { XdrReader, XdrWriter } from '@facet/gateway-nfs';

const NFS = 100_003;
const MOUNT = 100_005;
const HANDLE_BYTES_MAX = 64;
const ATTRIBUTE_BYTES = 84;
const LAST_FRAGMENT = 0x8000_0000;
const FILE_SYNC = 2;

export const STATUS = { OK: 0, ACCES: 13, NOSPC: 28, ROFS: 30 } as const;

const bytesOf = (writer: XdrWriter): Buffer => Buffer.concat(writer.pieces);

export class NfsClient {
  readonly #socket: net.Socket;
  #xid = 0;

  private constructor(socket: net.Socket) {
    this.#socket = socket;
  }

  static async connect(port: number): Promise<NfsClient> {
    const socket = net.connect({ port, host: '127.0.0.1' });
    await once(socket, 'connect');
    return new NfsClient(socket);
  }

  close(): void {
    this.#socket.destroy();
  }

  /** NULL, of NFS unless told. False: the connection was closed before the answer. */
  async ping({ program, version } = { program: NFS, version: 3 }): Promise<boolean> {
    const answered = this.call({ program, version, procedure: 0 }, new XdrWriter()).then(() => true);
    const closed = once(this.#socket, 'close').then(() => false);
    return await Promise.race([answered, closed]);
  }

  async call(
    { program, version, procedure }: { program: number; version: number; procedure: number },
    args: XdrWriter,
  ): Promise<XdrReader> {
    this.#xid += 1;
    const credential = bytesOf(new XdrWriter().uint32(0).text('test').uint32(1000).uint32(1000).uint32(0));
    const message = new XdrWriter().uint32(this.#xid).uint32(0).uint32(2);
    message
      .uint32(program)
      .uint32(version)
      .uint32(procedure)
      .uint32(1)
      .opaque(credential)
      .uint32(0)
      .uint32(0);
    const call = Buffer.concat([bytesOf(message), bytesOf(args)]);
    this.#socket.write(
      Buffer.concat([bytesOf(new XdrWriter().uint32((LAST_FRAGMENT | call.length) >>> 0)), call]),
    );
    const reply = new XdrReader(await this.#record());
    const [xid, kind, denied] = [reply.uint32(), reply.uint32(), reply.uint32()];
    reply.uint32();
    reply.opaque(400);
    const accepted = reply.uint32();
    if (xid !== this.#xid || kind !== 1 || denied !== 0 || accepted !== 0) {
      throw new Error(`the call was not accepted: ${[xid, kind, denied, accepted]}`);
    }
    return reply;
  }

  async #record(): Promise<Buffer> {
    let received = Buffer.alloc(0);
    for (;;) {
      const lengthBytes =
        received.length < 4 ? Number.POSITIVE_INFINITY : received.readUInt32BE() % LAST_FRAGMENT;
      if (received.length >= 4 + lengthBytes) return received.subarray(4, 4 + lengthBytes);
      const [chunk] = await once(this.#socket, 'data');
      received = Buffer.concat([received, chunk]);
    }
  }

  #ask(procedure: number, args: XdrWriter): Promise<XdrReader> {
    return this.call({ program: NFS, version: 3, procedure }, args);
  }

  async mount(path: string): Promise<{ readonly status: number; readonly handle: Buffer }> {
    return readHandle(
      await this.call({ program: MOUNT, version: 3, procedure: 1 }, new XdrWriter().text(path)),
    );
  }

  async getattr(file: Buffer): Promise<number> {
    return (await this.#ask(1, new XdrWriter().opaque(file))).uint32();
  }

  async lookup(
    directory: Buffer,
    name: string,
  ): Promise<{ readonly status: number; readonly handle: Buffer }> {
    return readHandle(await this.#ask(3, new XdrWriter().opaque(directory).text(name)));
  }

  async read(file: Buffer): Promise<string> {
    return `${await this.readAt(file, 0, 1000)}`;
  }

  async readAt(file: Buffer, offset: number, count: number): Promise<Buffer> {
    const reply = await this.#ask(6, new XdrWriter().opaque(file).uint64(BigInt(offset)).uint32(count));
    const status = reply.uint32();
    if (status !== STATUS.OK) throw new Error(`READ: ${status}`);
    reply.optional((attributes) => attributes.fixed(ATTRIBUTE_BYTES));
    reply.uint32();
    reply.bool();
    return reply.opaque(count);
  }

  write(file: Buffer, text: string): Promise<number> {
    return this.writeAt(file, 0, Buffer.from(text));
  }

  async writeAt(file: Buffer, offset: number, bytes: Buffer): Promise<number> {
    const args = new XdrWriter().opaque(file).uint64(BigInt(offset));
    return (await this.#ask(7, args.uint32(bytes.length).uint32(FILE_SYNC).opaque(bytes))).uint32();
  }

  /** SETATTR of the size alone. */
  async resize(file: Buffer, sizeBytes: number): Promise<number> {
    const args = new XdrWriter().opaque(file).uint32(0).uint32(0).uint32(0);
    args.uint32(1).uint64(BigInt(sizeBytes)).uint32(0).uint32(0);
    return (await this.#ask(2, args.uint32(0))).uint32();
  }

  /** Bytes in all, and those that can still be stored. */
  async fsstat(file: Buffer): Promise<{ readonly totalBytes: bigint; readonly freeBytes: bigint }> {
    const reply = await this.#ask(18, new XdrWriter().opaque(file));
    const status = reply.uint32();
    if (status !== STATUS.OK) throw new Error(`FSSTAT: ${status}`);
    reply.optional((attributes) => attributes.fixed(ATTRIBUTE_BYTES));
    return { totalBytes: reply.uint64(), freeBytes: reply.uint64() };
  }

  /** GUARDED, with no attributes. */
  async create(
    directory: Buffer,
    name: string,
  ): Promise<{ readonly status: number; readonly handle: Buffer }> {
    const args = new XdrWriter().opaque(directory).text(name).uint32(1);
    const reply = await this.#ask(8, noAttributes(args));
    const status = reply.uint32();
    const handle = status === STATUS.OK ? reply.optional((at) => at.opaque(HANDLE_BYTES_MAX)) : undefined;
    return { status, handle: handle ?? Buffer.alloc(0) };
  }

  async remove(directory: Buffer, name: string): Promise<number> {
    return (await this.#ask(12, new XdrWriter().opaque(directory).text(name))).uint32();
  }

  async mkdir(directory: Buffer, name: string): Promise<number> {
    return (await this.#ask(9, noAttributes(new XdrWriter().opaque(directory).text(name)))).uint32();
  }
}

/** sattr3: mode, uid, gid, size, atime and mtime, none of them set. */
function noAttributes(args: XdrWriter): XdrWriter {
  for (let field = 0; field < 6; field += 1) args.uint32(0);
  return args;
}

function readHandle(reply: XdrReader): { readonly status: number; readonly handle: Buffer } {
  const status = reply.uint32();
  return { status, handle: status === STATUS.OK ? reply.opaque(HANDLE_BYTES_MAX) : Buffer.alloc(0) };
}

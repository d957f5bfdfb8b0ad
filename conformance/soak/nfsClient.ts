/** Calls of NFSv3 on files in the root of an export, over connections that stay open. @source RFC 1813, section 3.3 */
import { randomInt } from 'node:crypto';
import {
  type Call,
  handleFound,
  handleMade,
  NO_ATTRIBUTES,
  NOENT,
  OK,
  opaque,
  place,
  type Reply,
  RpcConnection,
  words,
} from '../nfs/rpc.ts';
import type { Endpoint } from '../wire/send.ts';
import { Unanswered } from './s3Client.ts';

const JUKEBOX = 10_008;
const GUARDED = 1;
const UNSTABLE = 0;
const FILE_SYNC = 2;
const VERIFIER_BYTES = 8;
const ATTRIBUTES_BYTES = 84;
const READ_BYTES = 64 << 10;
const XIDS = 2 ** 32;

interface Mounted {
  readonly connection: RpcConnection;
  readonly root: Buffer;
}

export interface Written {
  readonly isStable: boolean;
  /** Another one at COMMIT: the server forgot what was not stable. */
  readonly verifier: Buffer;
}

export class NfsClient {
  readonly #endpoint: Endpoint;
  readonly #path: string;
  readonly #idle: Mounted[] = [];
  // The server remembers calls for longer than a client lives.
  #xid = randomInt(XIDS);

  constructor(endpoint: Endpoint, path: string) {
    this.#endpoint = endpoint;
    this.#path = path;
  }

  /** @returns its handle, undefined where there is none. @throws Unanswered; so do all that follow */
  async find(name: string): Promise<Buffer | undefined> {
    const reply = await this.#call('LOOKUP', (root) => place(root, name), [OK, NOENT]);
    return reply.status === OK ? handleFound(reply) : undefined;
  }

  /** Makes an empty one where there is none. @returns its handle */
  async create(name: string): Promise<Buffer> {
    const args = (root: Buffer) => Buffer.concat([place(root, name), words(GUARDED), NO_ATTRIBUTES]);
    return handleMade(await this.#call('CREATE', args));
  }

  async write(
    file: Buffer,
    {
      offset,
      bytes,
      isStable,
    }: { readonly offset: number; readonly bytes: Buffer; readonly isStable: boolean },
  ): Promise<Written> {
    const how = words(0, offset, bytes.length, isStable ? FILE_SYNC : UNSTABLE);
    const args = () => Buffer.concat([opaque(file), how, opaque(bytes)]);
    const { results } = await this.#call('WRITE', args);
    const end = results.subarray(-(8 + VERIFIER_BYTES));
    const count = end.readUInt32BE(0);
    if (count !== bytes.length) throw new Error(`WRITE wrote ${count} of ${bytes.length} bytes`);
    return { isStable: end.readUInt32BE(4) === FILE_SYNC, verifier: end.subarray(8) };
  }

  /** @returns the verifier */
  async commit(file: Buffer): Promise<Buffer> {
    const { results } = await this.#call('COMMIT', () => Buffer.concat([opaque(file), words(0, 0, 0)]));
    return results.subarray(-VERIFIER_BYTES);
  }

  async truncate(file: Buffer, lengthBytes: number): Promise<void> {
    const size = words(0, 0, 0, 1, 0, lengthBytes, 0, 0);
    await this.#call('SETATTR', () => Buffer.concat([opaque(file), size, words(0)]));
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#call('RENAME', (root) => Buffer.concat([place(root, from), place(root, to)]));
  }

  async remove(name: string): Promise<void> {
    await this.#call('REMOVE', (root) => place(root, name));
  }

  /** All of it. */
  async read(file: Buffer): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for (let offset = 0; ; ) {
      const at = words(0, offset, READ_BYTES);
      const { results } = await this.#call('READ', () => Buffer.concat([opaque(file), at]));
      const rest = results.subarray(8 + (results.readUInt32BE(4) === 1 ? ATTRIBUTES_BYTES : 0));
      const [count, isEnd] = [rest.readUInt32BE(0), rest.readUInt32BE(4) === 1];
      chunks.push(rest.subarray(12, 12 + count));
      offset += count;
      if (isEnd) return Buffer.concat(chunks);
      if (count === 0) throw new Error(`READ read nothing at ${offset}, before the end`);
    }
  }

  close(): void {
    for (const { connection } of this.#idle) connection.close();
    this.#idle.length = 0;
  }

  /** @throws Error at a status that is none of those */
  async #call(
    procedure: Call['procedure'],
    args: (root: Buffer) => Buffer,
    good: readonly number[] = [OK],
  ): Promise<Reply> {
    const reply = await this.#answered(procedure, args);
    if (reply.status === JUKEBOX) throw new Unanswered(`${procedure} was told to come again`);
    if (!good.includes(reply.status)) throw new Error(`${procedure} was answered ${reply.status}`);
    return reply;
  }

  async #answered(procedure: Call['procedure'], args: (root: Buffer) => Buffer): Promise<Reply> {
    let mounted: Mounted | undefined;
    try {
      mounted = this.#idle.pop() ?? (await this.#mount());
      this.#xid = (this.#xid + 1) % XIDS;
      const reply = await mounted.connection.call({ xid: this.#xid, procedure, args: args(mounted.root) });
      this.#idle.push(mounted);
      return reply;
    } catch (error) {
      mounted?.connection.close();
      throw new Unanswered(`${procedure}: ${error instanceof Error ? error.message : error}`);
    }
  }

  async #mount(): Promise<Mounted> {
    const { host, port } = this.#endpoint;
    const connection = await RpcConnection.open(port, host);
    try {
      return { connection, root: await connection.mount(this.#path) };
    } catch (error) {
      connection.close();
      throw error;
    }
  }
}

/** Calls of NFSv3 on files in the root of an export, over connections that stay open. @source RFC 1813, section 3.3 */
import { randomInt } from 'node:crypto';
import {
  type Call,
  handleFound,
  handleMade,
  JUKEBOX,
  NO_ATTRIBUTES,
  NOENT,
  NoReply,
  OK,
  opaque,
  place,
  type Reply,
  RpcConnection,
  readChanged,
  readCommitted,
  readData,
  readWritten,
  WrongReply,
  words,
} from '@facet/nfs-client';
import type { Endpoint } from '../wire/send.ts';
import { PutOff, Silence, Unanswered, WITHIN_MS } from './unanswered.ts';

const GUARDED = 1;
const UNSTABLE = 0;
const FILE_SYNC = 2;
const READ_BYTES = 64 << 10;
const XIDS = 2 ** 32;

interface Mounted {
  readonly connection: RpcConnection;
  readonly root: Buffer;
}

export interface Written {
  readonly isStable: boolean;
  readonly verifier: Buffer;
}

/**
 * What is thrown by every call: Unanswered, where nobody knows what became of it, and only then; PutOff, where nothing was
 * done; WrongReply for all that no server may say, or that this one may not say of these files.
 */
export class NfsClient {
  readonly #endpoint: Endpoint;
  readonly #path: string;
  readonly #withinMs: number;
  readonly #idle: Mounted[] = [];
  // The server remembers calls for longer than a client lives.
  #xid = randomInt(XIDS);

  constructor(endpoint: Endpoint, path: string, withinMs = WITHIN_MS) {
    this.#endpoint = endpoint;
    this.#path = path;
    this.#withinMs = withinMs;
  }

  /** @returns its handle, undefined where there is none */
  async find(name: string): Promise<Buffer | undefined> {
    return this.#call(
      'LOOKUP',
      (root) => place(root, name),
      (reply) => (reply.status === NOENT ? undefined : handleFound(reply)),
      [OK, NOENT],
    );
  }

  /** Makes an empty one where there is none. @returns its handle */
  async create(name: string): Promise<Buffer> {
    const args = (root: Buffer) => Buffer.concat([place(root, name), words(GUARDED), NO_ATTRIBUTES]);
    return this.#call('CREATE', args, handleMade);
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
    return this.#call('WRITE', args, (reply) => {
      const { lengthBytes, committed, verifier } = readWritten(reply);
      if (lengthBytes !== bytes.length)
        throw new WrongReply(`it wrote ${lengthBytes} of ${bytes.length} bytes`);
      if (isStable && committed !== FILE_SYNC)
        throw new WrongReply(`FILE_SYNC was asked, and ${committed} done`);
      return { isStable: committed === FILE_SYNC, verifier };
    });
  }

  /** @returns the verifier */
  async commit(file: Buffer): Promise<Buffer> {
    return this.#call('COMMIT', () => Buffer.concat([opaque(file), words(0, 0, 0)]), readCommitted);
  }

  async truncate(file: Buffer, lengthBytes: number): Promise<void> {
    const size = words(0, 0, 0, 1, 0, lengthBytes, 0, 0);
    await this.#call('SETATTR', () => Buffer.concat([opaque(file), size, words(0)]), readChanged);
  }

  async rename(from: string, to: string): Promise<void> {
    const args = (root: Buffer) => Buffer.concat([place(root, from), place(root, to)]);
    await this.#call('RENAME', args, (reply) => readChanged(reply, 2));
  }

  async remove(name: string): Promise<void> {
    await this.#call('REMOVE', (root) => place(root, name), readChanged);
  }

  /** All of it. */
  async read(file: Buffer): Promise<Buffer> {
    const chunks: Buffer[] = [];
    for (let offset = 0; ; ) {
      const at = words(0, offset, READ_BYTES);
      const { bytes, isEnd } = await this.#call(
        'READ',
        () => Buffer.concat([opaque(file), at]),
        (reply) => {
          const data = readData(reply);
          const count = data.bytes.length;
          if (count > READ_BYTES) throw new WrongReply(`it read ${count} bytes, of ${READ_BYTES} asked`);
          if (count === 0 && !data.isEnd)
            throw new WrongReply(`it read nothing at ${offset}, before the end`);
          return data;
        },
      );
      chunks.push(bytes);
      offset += bytes.length;
      if (isEnd) return Buffer.concat(chunks);
    }
  }

  close(): void {
    for (const { connection } of this.#idle) connection.close();
    this.#idle.length = 0;
  }

  /** @param read of what came, whose status is one of those that are `good` */
  async #call<T>(
    procedure: Call['procedure'],
    args: (root: Buffer) => Buffer,
    read: (reply: Reply) => T,
    good: readonly number[] = [OK],
  ): Promise<T> {
    let mounted: Mounted | undefined;
    try {
      mounted = this.#idle.pop() ?? (await this.#mount());
      this.#xid = (this.#xid + 1) % XIDS;
      const reply = await mounted.connection.call({ xid: this.#xid, procedure, args: args(mounted.root) });
      if (reply.status === JUKEBOX) throw new PutOff('it is to come again');
      if (!good.includes(reply.status)) throw new WrongReply(`it was answered ${reply.status}`);
      const result = read(reply);
      this.#idle.push(mounted);
      return result;
    } catch (error) {
      // Whatever else comes on it is no answer to the next call.
      mounted?.connection.close();
      throw failureOf(error, procedure);
    }
  }

  async #mount(): Promise<Mounted> {
    const { host, port } = this.#endpoint;
    const withinMs = this.#withinMs;
    const connection = await RpcConnection.open({ port, localAddress: host, withinMs });
    try {
      return { connection, root: await connection.mount(this.#path) };
    } catch (error) {
      connection.close();
      throw error;
    }
  }
}

function failureOf(error: unknown, procedure: string): unknown {
  if (!(error instanceof Error)) return error;
  const said = `${procedure}: ${error.message}`;
  if (error instanceof NoReply) return error.how === 'silence' ? new Silence(said) : new Unanswered(said);
  if (error instanceof PutOff) return new PutOff(said);
  return error instanceof WrongReply ? new WrongReply(said, { cause: error }) : error;
}

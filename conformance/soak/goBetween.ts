/**
 * Stands between the soak's clients and a server, and tells one lie. Then it passes nothing on any more, either way,
 * and asks for the kill: so nothing that comes later can hide the lie, or meet it while the server is there, and
 * whatever is found is found by the check after the restart.
 */
import { once } from 'node:events';
import http from 'node:http';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { type CallMessage, RpcConnection, readCall, takeRecord } from '@facet/nfs-client';
import type { Endpoint } from '../wire/send.ts';
import type { SoakServer } from './server.ts';

export interface GoBetween extends AsyncDisposable {
  readonly endpoint: Endpoint;
  readonly nfsEndpoint: Endpoint;
  /** Resolves when the lie was told. */
  readonly killNow: Promise<void>;
}

export interface NfsLie {
  /** A whole record, in the server's place. */
  readonly reply: Buffer;
  /** Another call has to be lied about before all of it is told. */
  readonly isOnlyBegun?: true;
}

export interface S3Request {
  readonly method: string;
  /** Path and query, percent-encoded. */
  readonly path: string;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface S3Lie {
  readonly status: number;
  readonly headers: http.OutgoingHttpHeaders;
  readonly body?: string;
  /** The server is asked all the same. Where it does not answer 200 what it says is no lie, and passed on. */
  readonly isDone?: true;
}

/** Each door's says what is answered in the server's place; undefined: the server is asked. */
export interface Lie {
  /** @param server to be asked behind the client's back */
  readonly nfs?: (call: CallMessage, server: RpcConnection) => Promise<NfsLie | undefined>;
  readonly s3?: (request: S3Request) => S3Lie | undefined;
}

const HOST = '127.0.0.1';

export async function standBetween(server: SoakServer, lie: Lie): Promise<GoBetween> {
  const between = new Between(server, lie);
  await between.listen();
  return between;
}

class Between implements GoBetween {
  readonly killNow: Promise<void>;
  readonly #server: SoakServer;
  readonly #lie: Lie;
  readonly #told = Promise.withResolvers<void>();
  /** Nothing is passed on. */
  #isSilent = false;
  readonly #nfsDoor = createServer((client) => this.#takeNfs(client));
  readonly #s3Door = http.createServer((request, response) => void this.#takeS3(request, response));
  readonly #agent = new http.Agent({ keepAlive: true });
  readonly #sockets = new Set<Socket>();
  #asking: RpcConnection | undefined;
  /** One after the other, since they ask on one connection. */
  #deciding: Promise<NfsLie | undefined> = Promise.resolve(undefined);

  constructor(server: SoakServer, lie: Lie) {
    this.#server = server;
    this.#lie = lie;
    this.killNow = this.#told.promise;
    // Clients wait for an answer for as long as their connections are there.
    void server.ended.then(() => this.#breakAll());
  }

  async listen(): Promise<void> {
    this.#asking = await RpcConnection.open({ port: this.#server.nfsEndpoint.port });
    for (const door of [this.#nfsDoor, this.#s3Door]) {
      door.listen(0, HOST);
      await once(door, 'listening');
    }
  }

  get endpoint(): Endpoint {
    return endpointOf(this.#s3Door);
  }

  get nfsEndpoint(): Endpoint {
    return endpointOf(this.#nfsDoor);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#breakAll();
    await Promise.all([this.#nfsDoor, this.#s3Door].map((door) => new Promise((done) => door.close(done))));
  }

  #breakAll(): void {
    this.#isSilent = true;
    this.#asking?.close();
    for (const socket of this.#sockets) socket.destroy();
    this.#s3Door.closeAllConnections();
    this.#agent.destroy();
  }

  #takeNfs(client: Socket): void {
    const server = connect(this.#server.nfsEndpoint);
    const pair = [client, server];
    for (const socket of pair) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        for (const each of pair) {
          each.destroy();
          this.#sockets.delete(each);
        }
      });
    }
    let received: Buffer = Buffer.alloc(0);
    client.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      for (let taken = takeRecord(received); taken; taken = takeRecord(received)) {
        const bytes = received.subarray(0, received.length - taken.rest.length);
        received = taken.rest;
        void this.#passCall({ bytes, call: readCall(taken.record) }, { client, server });
      }
    });
    server.on('data', (chunk: Buffer) => {
      if (!this.#isSilent) client.write(chunk);
    });
  }

  async #passCall(
    { bytes, call }: { readonly bytes: Buffer; readonly call: CallMessage },
    { client, server }: { readonly client: Socket; readonly server: Socket },
  ): Promise<void> {
    this.#deciding = this.#deciding.then(() => this.#decide(call));
    const lie = await this.#deciding;
    // Another may have been told meanwhile.
    if (this.#isSilent) return;
    if (lie === undefined) {
      server.write(bytes);
      return;
    }
    if (lie.isOnlyBegun) {
      client.write(lie.reply);
      return;
    }
    this.#isSilent = true;
    client.write(lie.reply, () => this.#told.resolve());
  }

  async #decide(call: CallMessage): Promise<NfsLie | undefined> {
    if (this.#isSilent || this.#asking === undefined) return undefined;
    // Of what it can not ask about it tells the truth.
    return this.#lie.nfs?.(call, this.#asking).catch(() => undefined);
  }

  async #takeS3(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    try {
      const { method = '', url: path = '', headers } = request;
      const body = await buffer(request);
      if (this.#isSilent) return;
      const lie = this.#lie.s3?.({ method, path, headers, body });
      if (lie !== undefined && !lie.isDone) return this.#tell(lie, response);
      const { endpoint } = this.#server;
      const onward = http.request({ agent: this.#agent, ...endpoint, method, path, headers }).end(body);
      // Also when it has begun to answer.
      onward.on('error', () => response.destroy());
      const [answer]: http.IncomingMessage[] = await once(onward, 'response');
      if (answer === undefined) throw new Error('a response without a message');
      const answered = await buffer(answer);
      if (this.#isSilent) return;
      if (lie !== undefined && answer.statusCode === 200) return this.#tell(lie, response);
      response.writeHead(answer.statusCode ?? 0, answer.headers).end(answered);
    } catch {
      response.destroy();
    }
  }

  #tell({ status, headers, body = '' }: S3Lie, response: http.ServerResponse): void {
    this.#isSilent = true;
    response.writeHead(status, headers).end(body, () => this.#told.resolve());
  }
}

function endpointOf(door: Server): Endpoint {
  const address: AddressInfo | string | null = door.address();
  if (address === null || typeof address === 'string') throw new Error('the go-between does not listen');
  return { host: HOST, port: address.port };
}

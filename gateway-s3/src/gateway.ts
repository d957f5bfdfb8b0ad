/** The S3 door as something that listens. */
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { Server as HttpsServer } from 'node:https';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import { availableParallelism } from 'node:os';
import { HashingThreads } from './hashing/hashingThreads.ts';
import { AcceptedConnections } from './http/accepted.ts';
import { Pipelines } from './http/pipelines.ts';
import {
  afterWholeRequests,
  answerOn,
  answerParserError,
  type ClientError,
  createServer,
  isPlainHttp,
  type TlsOptions,
} from './http/server.ts';
import type { Logger } from './log.ts';
import type { S3Core } from './operation.ts';
import { createRequestIds } from './requestIds.ts';
import { type RequestOutcome, type RequestRecord, unreadableRequest } from './requestRecord.ts';
import { createService } from './serve.ts';

export interface S3GatewayOptions {
  readonly core: S3Core;
  /** Buckets are also served at `<bucket>.<domain>`; an IP address or any other host is path-style. */
  readonly domain: string;
  /** What GetBucketLocation says. Any region signs. Default `us-east-1`. */
  readonly region?: string;
  readonly log: Logger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Told of each request when it is over, and of what was refused before it was one. */
  readonly onRequest?: (record: RequestRecord) => void;
  /** Told of the same in numbers alone. */
  readonly onOutcome?: (outcome: RequestOutcome) => void;
  /** How many threads may hash large bodies. Default: one a core. */
  readonly hashingThreads?: number;
  /** Given: HTTPS. */
  readonly tls?: TlsOptions;
}

export interface S3Gateway {
  /** @throws the operating system's error when the address cannot be bound. */
  listen(address: { readonly host: string; readonly port: number }): Promise<AddressInfo>;
  /** Serves a connection that somebody else accepted, and did not read from. */
  accept(socket: Socket): void;
  /** Connections that come from now on get another certificate. @throws when this serves no HTTPS, or it is no use */
  renewTls(tls: TlsOptions): void;
  /** Requests that are not over yet. */
  underWay(): number;
  /**
   * Takes no more connections, lets requests under way finish, then resolves. Idle connections have `idleMs`, none unless told, for
   * another request.
   */
  close(options?: { readonly idleMs: number }): Promise<void>;
  /** Ends all connections, whatever is under way there. */
  cutOff(): void;
}

export function createS3Gateway(options: S3GatewayOptions): S3Gateway {
  const ids = createRequestIds(randomBytes(12));
  const hashing = new HashingThreads(options.hashingThreads ?? availableParallelism());
  let closing = false;
  let underWay = 0;
  const over = (): void => {
    underWay -= 1;
  };
  const serve = createService({
    core: options.core,
    domain: options.domain.toLowerCase(),
    region: options.region ?? 'us-east-1',
    log: options.log,
    now: options.now,
    ids,
    hashing,
    scheme: options.tls === undefined ? 'http' : 'https',
    isClosing: () => closing,
    ...(options.onRequest && { onRequest: options.onRequest }),
    ...(options.onOutcome && { onOutcome: options.onOutcome }),
  });

  const pipelines = new Pipelines();
  // Node's server without a framework before it: a router and hooks that nothing here uses cost 13 µs a request.
  const server = createServer((request, response) => {
    const begin = (): void => {
      underWay += 1;
      void serve(request, response, request.url ?? '').then(over);
    };
    pipelines.await(request, response, begin);
  }, options.tls);
  server.on('clientError', (error: ClientError, socket: Socket) => {
    if (isPlainHttp(error)) {
      const { remoteAddress } = socket;
      options.log.warn({ remoteAddress }, 'a client spoke HTTP to the port of HTTPS');
    }
    afterWholeRequests(socket, () => refuse(error, socket));
  });
  function refuse(error: ClientError, socket: Socket): void {
    const { remoteAddress } = socket;
    // Of a request that is under way its own record tells.
    const isOwnRecord = answerOn(socket) !== undefined;
    const requestId = ids.next();
    const writtenBefore = socket.bytesWritten;
    const refusal = answerParserError(error, socket, requestId);
    if (isOwnRecord || refusal === undefined) return;
    const bytesOut = socket.bytesWritten - writtenBefore;
    options.onRequest?.(unreadableRequest({ requestId, refusal, bytesOut, remoteAddress }));
    const { status } = refusal;
    options.onOutcome?.({ operation: undefined, status, bytesIn: 0, bytesOut, durationMs: 0 });
  }

  const accepted = new AcceptedConnections(server);
  return {
    listen: async ({ host, port }) => {
      server.on('connection', (socket: Socket) => accepted.watch(socket));
      server.listen({ host, port });
      await once(server, 'listening');
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error(`not a TCP address: ${address}`);
      return address;
    },
    accept: (socket) => accepted.add(socket),
    renewTls: ({ cert, key }) => {
      if (!(server instanceof HttpsServer)) throw new Error('no HTTPS is served');
      server.setSecureContext({ cert, key });
    },
    underWay: () => underWay,
    close: async ({ idleMs } = { idleMs: 0 }) => {
      closing = true;
      const stopped = new Promise<void>((resolve) => {
        // With an error only when it was not listening. Its own way, not that of HTTP's, which would cut off ends of answers.
        NetServer.prototype.close.call(server, () => resolve());
      });
      await Promise.all([accepted.close(idleMs), stopped]);
      // That of HTTP's ends what looked after time limits.
      server.close();
      await hashing.close();
    },
    cutOff: () => accepted.cutOff(),
  };
}

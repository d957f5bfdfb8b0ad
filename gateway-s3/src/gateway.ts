/** The S3 door as something that listens. */
import { randomBytes } from 'node:crypto';
import type http from 'node:http';
import type https from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Core } from '@facet/core';
import Fastify from 'fastify';
import { answerParserError, createServer, type TlsOptions } from './http/server.ts';
import type { Logger } from './log.ts';
import { createRequestIds } from './requestIds.ts';
import { createService } from './serve.ts';

export interface S3GatewayOptions {
  readonly core: Core;
  /** Buckets are also served at `<bucket>.<domain>`; an IP address or any other host is path-style. */
  readonly domain: string;
  /** What GetBucketLocation says. Any region signs. Default `us-east-1`. */
  readonly region?: string;
  readonly log: Logger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Given: HTTPS. */
  readonly tls?: TlsOptions;
}

export interface S3Gateway {
  /** @throws the operating system's error when the address cannot be bound. */
  listen(address: { readonly host: string; readonly port: number }): Promise<AddressInfo>;
  /** Takes no more connections, lets requests under way finish, then resolves. */
  close(): Promise<void>;
}

export function createS3Gateway(options: S3GatewayOptions): S3Gateway {
  const ids = createRequestIds(randomBytes(12));
  let closing = false;
  const serve = createService({
    core: options.core,
    domain: options.domain.toLowerCase(),
    region: options.region ?? 'us-east-1',
    log: options.log,
    now: options.now,
    ids,
    scheme: options.tls === undefined ? 'http' : 'https',
    isClosing: () => closing,
  });

  const fastify = Fastify<http.Server | https.Server>({
    serverFactory: (listener) => createServer(listener, options.tls),
    clientErrorHandler: (error, socket) => answerParserError(error, socket, ids.next()),
    // S3's own URL rules: Fastify's decoding must not see the URL, `originalUrl` keeps it.
    rewriteUrl: () => '/',
    return503OnClosing: false,
    logger: false,
  });
  // A request is answered in this hook, ahead of Fastify's body parsers, content-type checks and 404s.
  fastify.addHook('onRequest', (request, reply) => {
    reply.hijack();
    void serve(request.raw, reply.raw, request.originalUrl);
  });
  fastify.all('*', (_request, reply) => reply.hijack());

  return {
    listen: async ({ host, port }) => {
      await fastify.listen({ host, port });
      const address = fastify.server.address();
      if (address === null || typeof address === 'string') throw new Error(`not a TCP address: ${address}`);
      return address;
    },
    close: () => {
      closing = true;
      return fastify.close();
    },
  };
}

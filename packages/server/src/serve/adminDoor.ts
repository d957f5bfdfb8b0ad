/** The admin port: health checks and metrics for everyone who reaches it, the admin API for holders of the token. */

import type { Socket } from 'node:net';
import { AcceptedConnections } from '@facet/gateway-s3';
import Fastify, { type FastifyInstance } from 'fastify';
import type { Logger } from 'pino';
import type { Administration } from '../administration/contract.ts';
import { registerAdminRoutes } from '../administration/routes.ts';
import { EXPOSITION_CONTENT_TYPE } from '../metrics/merge.ts';
import type { Address } from '../settings/address.ts';
import { VERSION } from '../version.ts';
import { endsWithin } from './deadline.ts';

const BODY_BYTES_MAX = 64 * 1024;
const PROBE_TIMEOUT_MS = 2_000;
/** For all of a request to come, its body too: whoever does not send it keeps a descriptor of the store's process. */
const REQUEST_TIMEOUT_MS = 30_000;
const CHECK_MS = 5_000;
/** For the rest of a request that is on its way when the door closes: another process waits for it, and clients for that. */
const REST_MS_MAX = 1_000;

/** No route has one: what comes is parsed in it. Unless given others, Fastify loads its own, some 10 ms at each start. */
function noSchemas(): never {
  throw new Error('no route of the admin door has a schema');
}

/** What the server can do at this moment. */
export interface ServerState {
  phase: 'starting' | 'serving' | 'stopping';
  administration: Administration | undefined;
  /** Rejects, or does not come back, when the metadata engine does not answer. */
  probe: () => Promise<unknown>;
  /** Reads and deletes go on. */
  isFull: () => boolean;
  /** Whether S3 listens, and a process that serves it is there; `failing`: none is there any more. */
  s3: 'starting' | 'serving' | 'failing';
  /** Containers that are missing or cut short, so far as is known: the rest is served. */
  lostContainers: () => number;
}

function readiness(state: ServerState): { readonly status: string; readonly lostContainers?: number } {
  const status = state.isFull() ? 'full' : 'ready';
  const lostContainers = state.lostContainers();
  return lostContainers === 0 ? { status } : { status, lostContainers };
}

export function createAdminDoor(options: {
  readonly state: ServerState;
  readonly token: string;
  readonly logger: Logger;
  /** In Prometheus' text format. */
  readonly metrics: () => Promise<string>;
}): FastifyInstance {
  const { state, token, logger, metrics } = options;
  const app = Fastify({
    logger: false,
    bodyLimit: BODY_BYTES_MAX,
    schemaController: { compilersFactory: { buildValidator: noSchemas, buildSerializer: noSchemas } },
    requestTimeout: REQUEST_TIMEOUT_MS,
    // Where a head may take longer than a whole request, Node ends neither.
    http: { headersTimeout: REQUEST_TIMEOUT_MS, connectionsCheckingInterval: CHECK_MS },
  });

  app.addHook('onSend', async (_request, reply) => {
    // Whoever asks again is to do it on a new connection, which another process of this server may serve.
    if (state.phase === 'stopping') reply.header('connection', 'close');
  });

  app.get('/health/live', async () => ({ status: 'live' }));

  app.get('/health/ready', async (_request, reply) => {
    if (state.phase !== 'serving') return reply.code(503).send({ status: state.phase });
    if (state.s3 !== 'serving') return reply.code(503).send({ status: state.s3 });
    try {
      // Full is ready: who takes the server out of service for it takes away the deletes that make room.
      if (await endsWithin(PROBE_TIMEOUT_MS, state.probe())) return readiness(state);
      logger.error({ timeoutMs: PROBE_TIMEOUT_MS }, 'the engine does not answer in time');
    } catch (error) {
      logger.error({ err: error }, 'the engine does not answer');
    }
    return reply.code(503).send({ status: 'failing' });
  });

  app.get('/metrics', async (_request, reply) => {
    // What is being closed has no numbers to tell.
    if (state.phase === 'stopping') return reply.code(503).send({ status: state.phase });
    return reply.type(EXPOSITION_CONTENT_TYPE).send(await metrics());
  });

  app.get('/version', async () => ({ name: 'facet', version: VERSION }));

  registerAdminRoutes(app, {
    token,
    logger,
    administration: () => (state.phase === 'serving' ? state.administration : undefined),
  });
  return app;
}

/** The same as something that listens, or serves connections that somebody else accepts. */
export interface AdminListener {
  /** @throws the operating system's error when the address cannot be bound */
  listen(address: Address): Promise<{ readonly port: number }>;
  /** In place of {@link listen}: connections may be handed over when it resolves. */
  ready(): Promise<void>;
  /** Serves a connection that somebody else accepted, and did not read from; it is cut off once this closes. */
  accept(socket: Socket): void;
  /** Resolves when requests that came whole by now are answered. */
  answered(): Promise<void>;
  /** Resolves when every connection is closed: whoever does not send the rest of a request soon is cut off. */
  close(): Promise<void>;
}

export function adminListener(app: FastifyInstance): AdminListener {
  const accepted = new AcceptedConnections(app.server);
  let isClosing = false;
  const underWay = new Set<Promise<void>>();
  app.addHook('preHandler', async (_request, reply) => {
    const over = new Promise<void>((resolve) => reply.raw.once('close', resolve));
    underWay.add(over);
    void over.then(() => underWay.delete(over));
  });
  return {
    async listen(address) {
      await app.listen(address);
      const bound = app.server.address();
      return { port: typeof bound === 'object' && bound !== null ? bound.port : address.port };
    },
    async ready() {
      await app.ready();
    },
    accept(socket) {
      // Who comes again and again would keep it from ever being over.
      if (isClosing) socket.destroy();
      else accepted.add(socket);
    },
    async answered() {
      await Promise.all(underWay);
    },
    async close() {
      isClosing = true;
      // First: Fastify refuses what comes on a connection that is open yet when it closes.
      const closed = accepted.close(0).then(() => app.close());
      if (!(await endsWithin(REST_MS_MAX, closed))) app.server.closeAllConnections();
      await closed;
    },
  };
}

/** An ONC RPC server over TCP: any number of programs on one port. @source RFC 5531 §11 */
import net, { type AddressInfo, type Socket } from 'node:net';
import { performance } from 'node:perf_hooks';
import { Admission, type AdmissionBounds } from './admission.ts';
import { Connection, type ConnectionBounds } from './connection.ts';
import { createDispatch, createForecast } from './dispatch.ts';
import { MemoryPool } from './memory.ts';
import { peerOf } from './peer.ts';
import type { Logger, Program } from './program.ts';
import { UnsentBudget } from './unsentBudget.ts';

export interface TcpServerLimits {
  readonly connectionsMax: number;
  readonly connection: ConnectionBounds;
  readonly admission: AdmissionBounds;
  /** Replies that peers have not taken, or that are under way, of all connections. */
  readonly unsentBytesMax: number;
  /** A peer within a record, or with replies to take, may make no progress for so long. */
  readonly stallMsMax: number;
  /** A connection without calls is kept for so long. A kernel's client closes after five minutes by itself. */
  readonly idleMsMax: number;
  /** What is in flight has so long when the server closes. */
  readonly closeMsMax: number;
}

const MiB = 1 << 20;

/** For NFS with `wtmax` and `rtmax` of 1 MiB. */
export const TCP_SERVER_LIMITS: TcpServerLimits = {
  connectionsMax: 16_384,
  connection: {
    // The data of one WRITE, and more than its headers, credential, handle and name can take.
    recordBytesMax: MiB + (64 << 10),
    // The smallest that clients send, of a few hundred bytes, fit in.
    fragmentsMax: 4096,
    callsMax: 64,
    unsentBytesMax: 2 * MiB,
  },
  admission: {
    callsMax: 1024,
    recordBytesMax: 32 * MiB,
    waitingBytesMax: 64 * MiB,
    gatherMsMax: 10_000,
    pauseMsMax: 1_000,
  },
  unsentBytesMax: 128 * MiB,
  stallMsMax: 120_000,
  idleMsMax: 900_000,
  closeMsMax: 5_000,
};

export interface TcpServerOptions {
  readonly programs: readonly Program[];
  readonly log: Logger;
  readonly limits?: TcpServerLimits;
}

export interface TcpServer {
  /** Port 0 is one of the system's choice. @throws the system's error, such as EADDRINUSE. */
  listen(address: { readonly host: string; readonly port: number }): Promise<AddressInfo>;
  /** Serves a connection that somebody else accepted, and did not read from. */
  accept(socket: Socket): void;
  /** Resolves when what was in flight is answered, or has had its time, and every connection is closed. */
  close(): Promise<void>;
}

export function createTcpServer({ programs, log, limits = TCP_SERVER_LIMITS }: TcpServerOptions): TcpServer {
  const dispatch = createDispatch(programs, log);
  const forecast = createForecast(programs);
  const admission = new Admission(limits.admission, () => performance.now());
  const memory = new MemoryPool();
  const unsent = new UnsentBudget(limits.unsentBytesMax);
  const connections = new Map<Connection, Quiet>();
  let isClosing = false;
  const allClosed = Promise.withResolvers<void>();

  const serve = (socket: Socket): void => {
    const { remoteAddress, remotePort } = socket;
    // Gone before it was looked at.
    if (isClosing || remoteAddress === undefined || remotePort === undefined) {
      socket.on('error', () => undefined).destroy();
      return;
    }
    const connection = new Connection({
      socket,
      peer: peerOf(remoteAddress, remotePort),
      bounds: limits.connection,
      admission,
      memory,
      unsent,
      dispatch,
      forecast,
      log,
      onClosed: (closed) => {
        connections.delete(closed);
        if (isClosing && connections.size === 0) allClosed.resolve();
      },
    });
    connections.set(connection, { progressBytes: 0, sinceMs: performance.now() });
  };
  const server = net.createServer({ allowHalfOpen: true, noDelay: true, keepAlive: true }, serve);
  server.maxConnections = limits.connectionsMax;

  const sweepMs = Math.min(limits.stallMsMax, limits.idleMsMax) / 4;
  const sweeper = setInterval(() => {
    const nowMs = performance.now();
    for (const [connection, quiet] of connections) endIfQuiet(connection, quiet, nowMs, limits);
  }, sweepMs).unref();

  return {
    listen: ({ host, port }) =>
      new Promise((resolve, reject) => {
        server.once('error', reject);
        server.listen({ host, port }, () => {
          server.off('error', reject);
          server.on('error', (error) => log.error({ err: error }, 'RPC server failed'));
          resolve(addressOf(server));
        });
      }),
    accept: (socket) => {
      if (connections.size >= limits.connectionsMax) {
        socket.destroy();
        return;
      }
      // As those are that the server accepts itself.
      socket.allowHalfOpen = true;
      socket.setNoDelay(true).setKeepAlive(true);
      serve(socket);
    },
    close: async () => {
      isClosing = true;
      clearInterval(sweeper);
      // With an error only when it was not listening.
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      if (connections.size === 0) allClosed.resolve();
      for (const connection of [...connections.keys()]) connection.end();
      const deadline = setTimeout(() => {
        for (const connection of [...connections.keys()]) connection.destroy();
      }, limits.closeMsMax);
      await Promise.all([closed, allClosed.promise]);
      clearTimeout(deadline);
    },
  };
}

/** Since when a connection has stood where it stands. */
interface Quiet {
  progressBytes: number;
  sinceMs: number;
}

function endIfQuiet(connection: Connection, quiet: Quiet, nowMs: number, limits: TcpServerLimits): void {
  const { progressBytes, state } = connection;
  if (state === 'busy' || progressBytes !== quiet.progressBytes) {
    quiet.progressBytes = progressBytes;
    quiet.sinceMs = nowMs;
    return;
  }
  const quietMs = nowMs - quiet.sinceMs;
  if (quietMs >= (state === 'stalled' ? limits.stallMsMax : limits.idleMsMax)) connection.destroy();
}

function addressOf(server: net.Server): AddressInfo {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error(`a TCP server listens at ${address}`);
  return address;
}

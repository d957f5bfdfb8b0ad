/** The process that has the store: it writes the metadata, keeps house, and serves NFS and administration. */

import { Socket } from 'node:net';
import { errorCodec, interrupted, RemoteMaintenance } from '@facet/core';
import { Connection, LinkListener, type LinkPeer } from '@facet/link';
import type { Logger } from 'pino';
import { EXIT } from '../../exitCodes.ts';
import { CommandFailure } from '../../failure.ts';
import { type MetricsJson, metricsJson } from '../../metrics/families.ts';
import { storeLayout } from '../../store/layout.ts';
import { inheritedStoreLock } from '../../store/lock.ts';
import { endsWithin } from '../deadline.ts';
import { type RunningServer, startServer } from '../server.ts';
import { type CallsOfMaintenance, type CallsOfStore, INHERITED_FD, type ToStore } from './messages.ts';
import { SharedState } from './sharedState.ts';
import { failToParent, tellParent } from './toParent.ts';

const METRICS_MS_MAX = 2_000;

type Started = Extract<ToStore, { kind: 'start' }>;

export async function runStore(start: Started, logger: Logger): Promise<void> {
  const { settings, meeting, running, graceMs, nfsAt } = start;
  const state = SharedState.open(INHERITED_FD.words);
  // What the process before left unsettled is in the file when this one has opened it; until then nobody reads.
  state.notice.settled();
  const maintenance = new RemoteMaintenance();
  const maintainers = new Set(
    running.filter(({ role }) => role === 'maintenance').map(({ instance }) => instance),
  );
  let links: WorkerLinks | undefined;
  try {
    const server = await startServer({
      settings,
      environment: process.env,
      logger,
      graceMs,
      family: {
        lock: inheritedStoreLock(INHERITED_FD.lock, storeLayout(settings.data).lock),
        notice: state.notice,
        changes: state.changes,
        running: running.map(({ instance }) => Buffer.from(instance, 'hex')),
        maintenance,
        ...(nfsAt && { nfsAt }),
        metricsOfOthers: async () => links?.metrics() ?? [],
      },
    });
    const opened = new WorkerLinks({
      server,
      maintenance,
      isMaintainer: (instance) => maintainers.has(instance),
    });
    links = opened;
    const listener = await LinkListener.open({
      address: meeting.address,
      secret: Buffer.from(meeting.secret, 'hex'),
      onPeer: (peer) => opened.add(peer),
    });
    void server.failed.then((error) => {
      // What the disk holds is no longer known: only a fresh start, with its recovery, can tell.
      logger.fatal({ err: error }, 'the store failed: its process ends');
      process.exit(error instanceof CommandFailure ? error.exitCode : EXIT.failed);
    });
    process.on('message', (message: ToStore, handle: unknown) => {
      switch (message.kind) {
        case 'connection':
          if (handle instanceof Socket) server.acceptNfs(handle);
          return;
        case 'expect':
          if (message.role === 'maintenance') maintainers.add(message.instance);
          server.core.workers.expect(Buffer.from(message.instance, 'hex'));
          tellParent({ kind: 'expected', instance: message.instance });
          return;
        case 'ended':
          void opened.ended(Buffer.from(message.instance, 'hex'));
          return;
        case 'workers':
          server.workersServe(message.count);
          return;
        case 'closeDoors':
          void server.closeDoors();
          return;
        case 'stop':
          listener.close();
          void opened
            .close()
            .then(() => server.stop())
            .then(() => process.exit(EXIT.ok));
          return;
        case 'start':
      }
    });
    tellParent({ kind: 'ready', facts: server.facts });
  } catch (error) {
    failToParent(error);
  }
}

type WorkerConnection = Connection<CallsOfStore, CallsOfMaintenance>;

interface WorkerLinksParts {
  readonly server: RunningServer;
  readonly maintenance: RemoteMaintenance;
  readonly isMaintainer: (instance: string) => boolean;
}

/** The workers that are connected, by their run's instance. */
class WorkerLinks {
  readonly #parts: WorkerLinksParts;
  readonly #connections = new Map<string, WorkerConnection>();

  constructor(parts: WorkerLinksParts) {
    this.#parts = parts;
  }

  add({ name, socket }: LinkPeer): void {
    const { server, maintenance, isMaintainer } = this.#parts;
    const { workers } = server.core;
    const connection: WorkerConnection = new Connection<CallsOfStore, CallsOfMaintenance>({
      socket,
      errors: errorCodec,
      lost: interrupted,
    });
    const answers = workers.joined(name, connection);
    if (answers === undefined) {
      connection.destroy();
      return;
    }
    connection.serve({ ...answers, ...maintenance.answers });
    const key = name.toString('hex');
    if (isMaintainer(key)) maintenance.connected(connection);
    this.#connections.set(key, connection);
    void connection.over.then(() => {
      workers.left(name, connection);
      maintenance.left(connection);
    });
  }

  /** Its process is no more: what it asked for is finished, then it is forgotten. */
  async ended(instance: Buffer): Promise<void> {
    const key = instance.toString('hex');
    const connection = this.#connections.get(key);
    this.#connections.delete(key);
    await connection?.over;
    await connection?.answered();
    this.#parts.server.core.workers.ended(instance);
  }

  /** What each of them measured; of one that does not say, nothing. */
  async metrics(): Promise<readonly MetricsJson[]> {
    const asked = [...this.#connections.values()].map(async (connection) => {
      const measured = connection.call('metrics', null).then((said) => metricsJson.parse(said));
      return (await endsWithin(METRICS_MS_MAX, measured)) ? [await measured] : [];
    });
    return (await Promise.allSettled(asked)).flatMap((end) => (end.status === 'fulfilled' ? end.value : []));
  }

  /** Everything that was asked for is answered. */
  async close(): Promise<void> {
    await Promise.all([...this.#connections.values()].map((connection) => connection.answered()));
    for (const connection of this.#connections.values()) connection.end();
  }
}

/** The workers, as the store's process reaches them. */

import { errorCodec, interrupted, type RemoteMaintenance } from '@facet/core';
import { Connection, type LinkPeer } from '@facet/link';
import type { Logger } from 'pino';
import { type MetricsJson, metricsJson } from '../../../metrics/families.ts';
import { endsWithin } from '../../deadline.ts';
import type { RunningServer } from '../../server.ts';
import type { CallsOfMaintenance, CallsOfStore, Run } from '../protocol/messages.ts';
import { answersToOpening } from './opening.ts';

const METRICS_MS_MAX = 2_000;

type WorkerConnection = Connection<CallsOfStore, CallsOfMaintenance>;

interface WorkerLinksParts {
  readonly server: RunningServer;
  readonly maintenance: RemoteMaintenance;
  readonly logger: Logger;
  /** Workers that ran before the store's process did. */
  readonly running: readonly Run[];
}

export class WorkerLinks {
  readonly #parts: WorkerLinksParts;
  /** Those that are connected, by their run's instance. */
  readonly #connections = new Map<string, WorkerConnection>();
  /** Runs of maintenance that have not ended. */
  readonly #maintainers = new Set<string>();

  constructor(parts: WorkerLinksParts) {
    this.#parts = parts;
    for (const run of parts.running) this.#note(run);
  }

  #note({ instance, role }: Run): void {
    if (role === 'maintenance') this.#maintainers.add(instance);
  }

  /** It is about to start. */
  expect(run: Run): void {
    this.#note(run);
    this.#parts.server.core.workers.expect(Buffer.from(run.instance, 'hex'));
  }

  add({ name, socket }: LinkPeer): void {
    const { server, maintenance, logger } = this.#parts;
    const { workers } = server.core;
    const key = name.toString('hex');
    const connection: WorkerConnection = new Connection<CallsOfStore, CallsOfMaintenance>({
      socket,
      errors: errorCodec,
      lost: interrupted,
      onGarbled: (err) =>
        logger.error({ instance: key, err }, 'what a worker sent is no message: its connection ends'),
    });
    const answers = workers.joined(name, connection);
    if (answers === undefined) {
      connection.destroy();
      return;
    }
    const opening = answersToOpening({ holdStill: server.holdStill, over: connection.over, logger });
    connection.serve({ ...answers, ...maintenance.answers, ...opening });
    if (this.#maintainers.has(key)) maintenance.connected(connection);
    this.#connections.set(key, connection);
    void connection.over.then(() => {
      workers.left(name, connection);
      maintenance.left(connection);
    });
  }

  /** Its process is no more: what it asked for is finished, then it is forgotten. */
  async ended(instance: string): Promise<void> {
    const connection = this.#connections.get(instance);
    this.#connections.delete(instance);
    await connection?.over;
    await connection?.answered();
    this.#maintainers.delete(instance);
    this.#parts.server.core.workers.ended(Buffer.from(instance, 'hex'));
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

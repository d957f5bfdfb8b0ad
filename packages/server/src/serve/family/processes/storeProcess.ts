/** The process that has the store: it writes the metadata, keeps house, and serves NFS and administration; and S3, where a single worker shares that. */

import { Socket } from 'node:net';
import { RemoteMaintenance } from '@facet/core';
import { LinkListener } from '@facet/link';
import type { Logger } from 'pino';
import { EXIT } from '../../../exitCodes.ts';
import { CommandFailure } from '../../../failure.ts';
import { storeLayout } from '../../../store/layout.ts';
import { inheritedStoreLock } from '../../../store/lock.ts';
import { type RunningServer, startServer } from '../../server.ts';
import { INHERITED_FD, type ToStore } from '../protocol/messages.ts';
import { SharedState } from '../protocol/sharedState.ts';
import { storeServesS3 } from '../protocol/sharing.ts';
import { failToParent, tellParent } from './toParent.ts';
import { WorkerLinks } from './workerLinks.ts';

type Started = Extract<ToStore, { kind: 'start' }>;

export async function runStore(start: Started, logger: Logger): Promise<void> {
  let acceptAdmin = (socket: Socket): void => void socket.destroy();
  const opening = open(start, logger, (accept) => {
    acceptAdmin = accept;
    tellParent({ kind: 'live' });
  });
  process.on('message', (message: ToStore, handle: unknown) => {
    // That door is there before the store is; what else is said while it opens is heard when it has.
    if (message.kind === 'connection' && message.door === 'admin') {
      if (handle instanceof Socket) acceptAdmin(handle);
      return;
    }
    void opening.then(
      (opened) => heed(opened, message, handle),
      () => undefined,
    );
  });
  try {
    const { server } = await opening;
    tellParent({ kind: 'ready', facts: server.facts });
  } catch (error) {
    failToParent(error);
  }
}

interface OpenStoreProcess {
  readonly server: RunningServer;
  readonly links: WorkerLinks;
  readonly listener: LinkListener;
  /** @param handle no socket, where the client left on the way */
  readonly acceptS3: (handle: unknown) => void;
}

async function open(
  { settings, meeting, running, graceMs, acceptedAt, tls, seat }: Started,
  logger: Logger,
  onAdminDoor: (accept: (socket: Socket) => void) => void,
): Promise<OpenStoreProcess> {
  const state = SharedState.open(INHERITED_FD.words);
  // What the process before left unsettled is in the file when this one has opened it; until then nobody reads.
  state.notice.settled();
  const maintenance = new RemoteMaintenance();
  let links: WorkerLinks | undefined;
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
      acceptedAt,
      sharesS3: storeServesS3(settings) ? { ...(tls && { tls }) } : undefined,
      onAdminDoor,
      metricsOfOthers: async () => links?.metrics() ?? [],
    },
  });
  const opened = new WorkerLinks({ server, maintenance, logger, running });
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
  const acceptS3 = (handle: unknown): void => {
    const over = (): void => state.connectionOver(seat);
    if (handle instanceof Socket) server.accept('s3', handle.once('close', over));
    else over();
  };
  return { server, links, listener, acceptS3 };
}

async function heed(
  { server, acceptS3, links, listener }: OpenStoreProcess,
  message: ToStore,
  handle: unknown,
): Promise<void> {
  switch (message.kind) {
    case 'connection':
      if (message.door === 's3') acceptS3(handle);
      else if (handle instanceof Socket && message.door !== 'admin') server.accept(message.door, handle);
      return;
    case 'drain':
      await server.drainS3(message.idleMs);
      return tellParent({ kind: 'drained' });
    case 'count':
      return tellParent({ kind: 'counted', requests: server.requestsUnderWay() });
    case 'expect':
      links.expect(message);
      tellParent({ kind: 'expected', instance: message.instance });
      return;
    case 'ended':
      return links.ended(message.instance);
    case 'workers':
      server.workersServe(message.count);
      return;
    case 'closeDoors':
      return server.closeDoors();
    case 'stop':
      listener.close();
      await links.close();
      await server.stop();
      process.exit(EXIT.ok);
      break;
    case 'start':
  }
}

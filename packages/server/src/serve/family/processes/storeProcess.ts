/** The process that has the store: it writes the metadata, keeps house, and serves NFS and administration. */

import { Socket } from 'node:net';
import { RemoteMaintenance } from '@facet/core';
import { LinkListener } from '@facet/link';
import type { Logger } from 'pino';
import { EXIT } from '../../../exitCodes.ts';
import { CommandFailure } from '../../../failure.ts';
import { storeLayout } from '../../../store/layout.ts';
import { inheritedStoreLock } from '../../../store/lock.ts';
import { startServer } from '../../server.ts';
import { INHERITED_FD, type ToStore } from '../protocol/messages.ts';
import { SharedState } from '../protocol/sharedState.ts';
import { failToParent, tellParent } from './toParent.ts';
import { WorkerLinks } from './workerLinks.ts';

type Started = Extract<ToStore, { kind: 'start' }>;

export async function runStore(start: Started, logger: Logger): Promise<void> {
  const { settings, meeting, running, graceMs, nfsAt } = start;
  const state = SharedState.open(INHERITED_FD.words);
  // What the process before left unsettled is in the file when this one has opened it; until then nobody reads.
  state.notice.settled();
  const maintenance = new RemoteMaintenance();
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
    process.on('message', (message: ToStore, handle: unknown) => {
      switch (message.kind) {
        case 'connection':
          if (handle instanceof Socket) server.acceptNfs(handle);
          return;
        case 'expect':
          opened.expect(message);
          tellParent({ kind: 'expected', instance: message.instance });
          return;
        case 'ended':
          void opened.ended(message.instance);
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

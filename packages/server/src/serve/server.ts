/** One running server: the lock, the store, the doors, in the order in which they open and, reversed, close. */

import { randomBytes } from 'node:crypto';
import { createS3Gateway } from '@facet/gateway-s3';
import type { Logger } from 'pino';
import { removeAdminEndpoint } from '../administration/endpointFile.ts';
import { administerCore } from '../administration/local.ts';
import { fromCore } from '../coreFailure.ts';
import { ServerMetrics } from '../metrics/serverMetrics.ts';
import { formatAddress, reachableAddress } from '../settings/address.ts';
import type { ServeSettings } from '../settings/settings.ts';
import { holdStoreForServer } from '../store/holding.ts';
import { storeLayout } from '../store/layout.ts';
import { openStore } from '../store/open.ts';
import { announceAdmin } from './adminAnnouncement.ts';
import { createAdminDoor, type ServerState } from './adminDoor.ts';
import type { ServingFacts } from './banner.ts';
import { type ClosableDoor, closeDoors } from './closeDoors.ts';
import { endsWithin } from './deadline.ts';
import { type Door, listen } from './listen.ts';
import { lookForLost } from './lostContainers.ts';
import { makeNfsDoor, type OpenNfsDoor, openNfsDoor } from './nfsDoor.ts';
import { requestLog } from './requestLog.ts';
import { ensureRootAccount, rememberShown, resolveRootCredentials } from './rootCredentials.ts';
import { readTlsFiles } from './tls.ts';

export interface RunningServer {
  readonly facts: ServingFacts;
  /** Resolves when the store's device failed: the process must end without further ado. */
  readonly failed: Promise<Error>;
  /** To be called when the root key was shown, if it was made: no later start shows it. */
  rootKeyShown(): void;
  /** S3 requests that are not over yet. */
  requestsUnderWay(): number;
  /** Finishes the requests in flight, closes the store, gives the lock back. */
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly settings: ServeSettings;
  readonly environment: NodeJS.ProcessEnv;
  readonly logger: Logger;
  /** Requests in flight when the server is told to stop have this long. */
  readonly graceMs: number;
}

/** Resolves when every door is open. @throws CommandFailure; whatever had been opened is closed again */
export async function startServer(options: StartOptions): Promise<RunningServer> {
  const { settings, environment, logger, graceMs } = options;
  const layout = storeLayout(settings.data);
  const tls = settings.tls === undefined ? undefined : readTlsFiles(settings.tls);
  const opened = new AsyncDisposableStack();
  try {
    const lock = await holdStoreForServer(layout);
    opened.defer(() => lock.close());
    // One that a killed server left behind would send commands to a dead address.
    removeAdminEndpoint(layout.adminEndpoint);

    const state: ServerState = {
      phase: 'starting',
      administration: undefined,
      probe: async () => undefined,
      isFull: () => false,
      lostContainers: () => 0,
    };
    const token = randomBytes(32).toString('base64url');
    const metrics = new ServerMetrics();
    const adminDoor = createAdminDoor({ state, token, logger, metrics: () => metrics.exposition() });
    opened.defer(async () => {
      await endsWithin(graceMs, adminDoor.close());
    });
    const admin = await listen({ address: settings.admin, flag: '--admin' }, async (address) => {
      await adminDoor.listen(address);
      const bound = adminDoor.server.address();
      return { port: typeof bound === 'object' && bound !== null ? bound.port : address.port };
    });

    const root = resolveRootCredentials({ path: layout.rootCredentials, environment });
    const store = await openStore({
      layout,
      lock,
      watcher: logger,
      onJournalWrite: metrics.metadata.observeJournal,
    });
    opened.defer(() => store.close());
    const doors: ClosableDoor[] = [];
    opened.defer(() => closeDoors(doors, { graceMs, logger }));
    await ensureRootAccount(store.core, root);

    const gateway = createS3Gateway({
      core: store.core,
      domain: settings.s3Domain,
      log: logger,
      now: Date.now,
      onOutcome: metrics.s3.observe,
      ...(settings.accessLog ? { onRequest: requestLog(logger) } : {}),
      ...(tls === undefined ? {} : { tls }),
    });
    const s3 = await listen(
      { address: settings.s3, flag: '--s3', opened: [{ address: admin, flag: '--admin' }] },
      (address) => gateway.listen(address),
    );
    doors.push({ close: () => gateway.close(), work: 'requests' });

    let nfs: OpenNfsDoor | undefined;
    if (settings.nfs !== undefined) {
      const door = await makeNfsDoor({ core: store.core, layout, logger, onCall: metrics.nfs.observe });
      doors.push({ close: () => door.close(), work: 'NFS calls' });
      const others: readonly Door[] = [
        { address: admin, flag: '--admin' },
        { address: s3, flag: '--s3' },
      ];
      nfs = await openNfsDoor(door, { ...settings, nfs: settings.nfs }, others);
    }

    state.administration = administerCore({
      core: store.core,
      rootCredentials: layout.rootCredentials,
    });
    state.probe = () => store.core.accounts.find('root');
    state.isFull = () => store.core.room.full;
    const url = `http://${formatAddress(reachableAddress(admin))}`;
    const announcement = announceAdmin({
      path: layout.adminEndpoint,
      endpoint: { url, token, pid: process.pid },
      logger,
    });
    const lost = lookForLost({ core: store.core, watcher: logger });
    opened.defer(() => lost.stop());
    state.lostContainers = lost.count;
    metrics.opened({ store, gateway, layout, lostContainers: lost.count });
    state.phase = 'serving';
    opened.defer(() => {
      state.phase = 'stopping';
      announcement.end();
    });

    return {
      facts: {
        dataDirectory: settings.data,
        s3,
        admin,
        ...nfs,
        s3Domain: settings.s3Domain,
        ...(settings.tls === undefined ? {} : { tlsCertificateFile: settings.tls.certificateFile }),
        credentials: root.credentials,
        credentialsFile: layout.rootCredentials,
        pid: process.pid,
      },
      failed: store.failed,
      rootKeyShown: () => rememberShown(layout.rootCredentials, root.credentials, logger),
      requestsUnderWay: () => gateway.underWay(),
      stop: () => opened.disposeAsync(),
    };
  } catch (error) {
    await opened.disposeAsync();
    throw fromCore(error);
  }
}

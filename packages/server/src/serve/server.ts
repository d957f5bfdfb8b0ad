/** One running server: the lock, the store, the doors, in the order in which they open and, reversed, close. */

import { randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type { Core } from '@facet/core';
import type { S3Gateway } from '@facet/gateway-s3';
import type { Logger } from 'pino';
import { removeAdminEndpoint } from '../administration/endpointFile.ts';
import { administerCore } from '../administration/local.ts';
import { fromCore } from '../coreFailure.ts';
import { type OtherProcesses, ServerMetrics } from '../metrics/serverMetrics.ts';
import { type Address, formatAddress, reachableAddress } from '../settings/address.ts';
import type { ServeSettings } from '../settings/settings.ts';
import { damageBehind } from '../store/damage.ts';
import { namingTheDisk } from '../store/fullDisk.ts';
import { holdStoreForServer } from '../store/holding.ts';
import { storeLayout } from '../store/layout.ts';
import type { StoreLock } from '../store/lock.ts';
import { type OpenStore, type OpenStoreOptions, openStore } from '../store/open.ts';
import { announceAdmin } from './adminAnnouncement.ts';
import { adminListener, createAdminDoor, type ServerState } from './adminDoor.ts';
import type { ServingFacts } from './banner.ts';
import { type ClosableDoor, closeDoors } from './closeDoors.ts';
import { endsWithin } from './deadline.ts';
import type { ServedWith } from './family/protocol/messages.ts';
import { type AcceptedAt, type Door, listen } from './listen.ts';
import { lookForLost } from './lostContainers.ts';
import { makeNfsDoor, type OpenNfsDoor, openNfsDoor } from './nfsDoor.ts';
import { ensureRootAccount, resolveRootCredentials } from './rootCredentials.ts';
import { endS3, makeS3Gateway, type S3DoorParts } from './s3Door.ts';
import { readTlsFiles } from './tls.ts';

/** What is known once the store is open and the doors before it are; S3's may be another process's. */
export type StoreFacts = Omit<ServingFacts, 's3' | 'pid'>;

export interface RunningServer {
  readonly facts: StoreFacts;
  /** Where S3 listens; undefined when that is for others. */
  readonly s3: Address | undefined;
  readonly core: Core;
  /** As {@link Server.failed}: the process must end without further ado. */
  readonly failed: Promise<Error>;
  /** S3 requests that are not over yet. */
  requestsUnderWay(): number;
  /** Serves a connection that another process accepted. */
  accept(door: 'nfs' | 'portmap' | 's3', socket: Socket): void;
  /** Takes no more of S3; resolves when what is in flight there is over, or cut off. Who is idle has so long for another request. */
  drainS3(idleMs: number): Promise<void>;
  /** Of S3, where it is served here. */
  renewTls: S3Gateway['renewTls'];
  /** Other processes serve S3: so many do now, and it listens. */
  workersServe(count: number): void;
  /** While another process opens the metadata. */
  readonly holdStill: OpenStore['holdStill'];
  /** Nothing new is taken any more; resolves when what is in flight is finished, or was for too long. */
  closeDoors(): Promise<void>;
  /** Finishes the requests in flight, closes the store, gives the lock back. */
  stop(): Promise<void>;
}

export interface StartOptions {
  readonly settings: ServeSettings;
  readonly environment: NodeJS.ProcessEnv;
  readonly logger: Logger;
  /** Requests in flight when the server is told to stop have this long. */
  readonly graceMs: number;
  /** Other processes of this server, which serve S3. None unless told. */
  readonly family?: NonNullable<OpenStoreOptions['family']> &
    OtherProcesses & {
      readonly lock: StoreLock;
      /** One of them accepts connections there. */
      readonly acceptedAt: AcceptedAt;
      /** This one serves S3, too, with connections that it is given. */
      readonly sharesS3: ServedWith | undefined;
      /** Called when the admin door is there, before the store is open. @param accept serves a connection of it */
      readonly onAdminDoor: (accept: (socket: Socket) => void) => void;
    };
}

/** Resolves when every door is open. @throws CommandFailure; whatever had been opened is closed again */
export async function startServer(options: StartOptions): Promise<RunningServer> {
  const { settings, environment, logger, graceMs, family } = options;
  const layout = storeLayout(settings.data);
  const opened = new AsyncDisposableStack();
  try {
    const lock = family?.lock ?? (await holdStoreForServer(layout));
    opened.defer(() => lock.close());
    // One that a killed server left behind would send commands to a dead address.
    removeAdminEndpoint(layout.adminEndpoint);

    const state: ServerState = {
      phase: 'starting',
      administration: undefined,
      probe: async () => undefined,
      isFull: () => false,
      lostContainers: () => 0,
      s3: 'starting',
    };
    const token = randomBytes(32).toString('base64url');
    const metrics = new ServerMetrics(family);
    const adminDoor = adminListener(
      createAdminDoor({ state, token, logger, metrics: () => metrics.exposition() }),
    );
    opened.defer(async () => {
      await endsWithin(graceMs, adminDoor.close());
    });
    const acceptedAt = family?.acceptedAt ?? {};
    const admin =
      acceptedAt.admin ??
      (await listen({ address: settings.admin, flag: '--admin' }, (address) => adminDoor.listen(address)));
    if (family) {
      await adminDoor.ready();
      family.onAdminDoor((socket) => adminDoor.accept(socket));
    }

    const root = resolveRootCredentials({ path: layout.rootCredentials, environment });
    const store = await openStore({
      layout,
      lock,
      watcher: logger,
      onJournalWrite: metrics.metadata.observeJournal,
      ...(family && { family }),
    });
    opened.defer(() => store.close());
    const doors: ClosableDoor[] = [];
    let closing: Promise<void> | undefined;
    const closeAll = (): Promise<void> => {
      closing ??= closeDoors(doors, { graceMs, logger });
      return closing;
    };
    opened.defer(closeAll);
    await ensureRootAccount(store.core, root);

    const s3Parts = { settings, core: store.core, logger, onOutcome: metrics.s3.observe };
    const s3 = family ? undefined : await openS3Door(s3Parts, admin);
    if (s3) state.s3 = 'serving';
    const gateway =
      s3?.gateway ?? (family?.sharesS3 && makeS3Gateway({ ...s3Parts, tls: family.sharesS3.tls }));
    if (gateway) doors.push({ close: () => gateway.close(), work: 'requests' });

    let nfs: OpenNfsDoor | undefined;
    let acceptNfs: (door: 'nfs' | 'portmap', socket: Socket) => void = (_door, socket) => socket.destroy();
    if (settings.nfs !== undefined) {
      const door = await makeNfsDoor({ core: store.core, layout, logger, onCall: metrics.nfs.observe });
      doors.push({ close: () => door.close(), work: 'NFS calls' });
      const others: readonly Door[] = [
        { address: admin, flag: '--admin' },
        ...(s3 ? [{ address: s3.address, flag: '--s3' } as const] : []),
      ];
      acceptNfs = (which, socket) => (which === 'nfs' ? door.accept(socket) : door.acceptPortmap(socket));
      nfs = await openNfsDoor(door, {
        nfs: settings.nfs,
        portmap: settings.portmap,
        acceptedAt,
        opened: others,
      });
    }

    const { rootCredentials, nfsHandleKey } = layout;
    state.administration = metrics.longWork.observed(
      administerCore({ core: store.core, rootCredentials, nfsHandleKey }),
    );
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
    opened.defer(async () => {
      state.phase = 'stopping';
      announcement.end();
      // Those that read the store are answered before it closes.
      await Promise.all([endsWithin(graceMs, adminDoor.answered()), closeAll()]);
    });

    return {
      facts: {
        dataDirectory: settings.data,
        admin,
        ...nfs,
        s3Domain: settings.s3Domain,
        ...(settings.tls === undefined ? {} : { tlsCertificateFile: settings.tls.certificateFile }),
        credentials: root.credentials,
        credentialsFile: layout.rootCredentials,
      },
      s3: s3?.address,
      core: store.core,
      failed: store.failed.then(async (error) => {
        const found = await damageBehind(error, layout);
        return found instanceof Error ? found : error;
      }),
      accept: (door, socket) => {
        if (door !== 's3') acceptNfs(door, socket);
        else if (gateway) gateway.accept(socket);
        else socket.destroy();
      },
      drainS3: async (idleMs) => gateway && endS3(gateway, { idleMs, graceMs, logger }),
      renewTls: (tls) => gateway?.renewTls(tls),
      requestsUnderWay: () => gateway?.underWay() ?? 0,
      workersServe: (count) => {
        if (count > 0) state.s3 = 'serving';
        else if (state.s3 === 'serving') state.s3 = 'failing';
      },
      holdStill: store.holdStill,
      closeDoors: closeAll,
      stop: () => opened.disposeAsync(),
    };
  } catch (error) {
    await opened.disposeAsync();
    throw namingTheDisk(fromCore(await damageBehind(error, layout)), layout);
  }
}

interface OpenS3Door {
  readonly gateway: S3Gateway;
  readonly address: Address;
}

/** @param admin open already @throws CommandFailure about TLS files, or the address */
async function openS3Door(parts: Omit<S3DoorParts, 'tls'>, admin: Address): Promise<OpenS3Door> {
  const { settings } = parts;
  const gateway = makeS3Gateway({ ...parts, tls: settings.tls && readTlsFiles(settings.tls) });
  const address = await listen(
    { address: settings.s3, flag: '--s3', opened: [{ address: admin, flag: '--admin' }] },
    (at) => gateway.listen(at),
  );
  return { gateway, address };
}

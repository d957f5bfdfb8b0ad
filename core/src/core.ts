/** The core as one thing: what a process opens over an engine and an extent store, and gateways talk to. */

import { type Engine, WatchedEngine } from '@facet/engine';
import type { ContainerLease, ExtentStore } from '@facet/extents';
import { Accounts } from './accounts/accounts.ts';
import type { BackupReport } from './backup/backup.ts';
import { type BackupOptions, Backups } from './backup/backups.ts';
import { CommandRunner, type Environment } from './commands/command.ts';
import { leaseNumbers } from './commands/counter.ts';
import { CONTENT_IDS, ContentIds } from './contents/bodies.ts';
import { RememberedPlaces } from './contents/remembered.ts';
import { Scratch } from './contents/scratch.ts';
import { Staging } from './contents/staging.ts';
import type { FileView } from './files/types.ts';
import { Files } from './files/view.ts';
import { LockHosts, type LockHostView } from './locks/hosts.ts';
import { type LookupChanges, ownLookupChanges } from './lookups/recent.ts';
import { LocalMaintenance } from './maintenance/local.ts';
import type { Maintenance, PacedWork } from './maintenance/maintenance.ts';
import { checkFormat } from './meta/format.ts';
import { Objects } from './objects/objects.ts';
import type { ObjectView } from './objects/types.ts';
import { ContainerLeases } from './recovery/leases.ts';
import { type LookParts, type LostContainers, lookForLost } from './recovery/lookForLost.ts';
import { refuseOtherMetadata } from './recovery/otherMetadata.ts';
import { PostponedRecovery } from './recovery/postponed.ts';
import { type Recovered, recover } from './recovery/recover.ts';
import type { LostBytes } from './recovery/survey.ts';
import { Pace } from './scrub/pace.ts';
import type { ScrubReport } from './scrub/report.ts';
import { Collector, type CollectorParts } from './space/collector.ts';
import type { CompactorCounts } from './space/compactor.ts';
import { type CompactedStore, compactStore } from './space/compactStore.ts';
import { Pins } from './space/pins.ts';
import { type Reserve, Room, type RoomParts } from './space/room.ts';
import type { Timer } from './space/timer.ts';
import type { AccountView, VolumeView } from './volumes/types.ts';
import { Volumes } from './volumes/volumes.ts';
import { Workers } from './workers/workers.ts';

export interface Core {
  readonly files: FileView;
  readonly objects: ObjectView;
  readonly volumes: VolumeView;
  readonly accounts: AccountView;
  readonly lockHosts: LockHostView;
  /** Gives space back in the background. */
  readonly collector: Pick<Collector, 'backlog' | 'counts' | 'drain'>;
  /** Other processes that serve doors of this store. */
  readonly workers: Workers;
  /** Empties segments that are mostly dead, in the background; undefined where another process does. */
  readonly compactor: { readonly counts: CompactorCounts } | undefined;
  /** Whether the disk is full: then what would take room is refused. */
  readonly room: Pick<Room, 'full'>;
  /** What was found of writers that ended without closing; undefined while that waits for room on a full disk. */
  readonly recovered: Recovered | undefined;
  /** Whether containers of the metadata are missing or too short: a look at some, with a bound. @throws FsError */
  lookForLost(options: Pick<LookParts, 'signal'>): Promise<LostContainers>;
  /** See Maintenance. */
  scrub(work: PacedWork): Promise<ScrubReport>;
  /**
   * Copies the store as it is at one moment, while it is in use. One at a time.
   * @throws FsError Busy | Corrupt | NoSpace | NotEmpty | PreconditionFailed | Failed | Closed
   */
  backup(options: BackupOptions): Promise<BackupReport>;
  /** Does now what is done in the background otherwise. See Maintenance. */
  compact(work: PacedWork): Promise<CompactedStore>;
  /** Ends the background work and closes the extent store and the engine. The next start has nothing to recover. */
  close(): Promise<void>;
}

export interface CoreParts {
  readonly engine: Engine;
  /** Opens the extent store with the lease of this process. */
  readonly openExtents: (lease: ContainerLease) => Promise<ExtentStore>;
  readonly environment: Environment;
  /** Instances of workers that run, and have since before this process. None unless told. */
  readonly running?: readonly Uint8Array[];
  /** Has other processes see all that was acknowledged. Nothing to do unless told. */
  readonly settle?: () => Promise<void>;
  /** How often what is looked up was changed, by any process. By this one unless told. */
  readonly changes?: LookupChanges;
  /** What runs every command and read. On the engine in this process unless told. */
  readonly commands?: CommandRunner;
  /** Who compacts and scrubs. This process unless told. */
  readonly maintenance?: Maintenance;
  /** When background work is done. The system's timer unless told. */
  readonly timer?: Timer;
  /** Keeps background work to a rate. By the clock and the load unless told. */
  readonly paceOf?: (bytesPerSecond: number) => Pick<Pace, 'take'>;
  /** Told of referred bytes that recovery found damaged or missing. */
  readonly onLost?: (lost: LostBytes) => void;
  /** Told of recovery that waited for room, when it is over. */
  readonly onRecovered?: (recovered: Recovered) => void;
  /** Told of what went wrong in background work, which goes on. */
  readonly onFault?: CollectorParts['onFault'];
  /** Room held back for deletes on a full disk. None unless told. */
  readonly reserve?: Reserve;
  /** Told when the disk has become full, and when there is room again. */
  readonly onRoom?: RoomParts['onChange'];
}

const INSTANCE_BYTES = 16;

/** Opens the store and recovers it: the caller makes sure that no other process is at work on it meanwhile. */
export async function openCore(parts: CoreParts): Promise<Core> {
  const engine = new WatchedEngine(parts.engine);
  const { environment, timer, onLost, onFault, onRecovered, reserve, onRoom } = parts;
  const commands = parts.commands ?? new CommandRunner(engine, environment);
  const changes = parts.changes ?? ownLookupChanges();
  const instance = environment.randomBytes(INSTANCE_BYTES);
  const leases = new ContainerLeases({ commands, instance });
  const pins = new Pins();
  const workers = new Workers({
    commands,
    pins,
    staging: () => staging,
    settle: parts.settle ?? (async () => undefined),
    ...(timer && { timer }),
    onFullDisk: () => room.met(),
    onEnded: () => recovery.again(),
  });
  for (const running of parts.running ?? []) workers.expect(running);
  const isRunning = (one: Buffer) => one.equals(instance) || workers.isRunning(one);
  const recovery = new PostponedRecovery({
    recover: (signal) => recover({ commands, extents, isRunning, signal, ...(onLost && { onLost }) }),
    onRecovered: (recovered) => onRecovered?.(recovered),
    onFault: (fault) => onFault?.(fault),
  });
  const room = new Room({
    engine,
    ...(reserve && { reserve }),
    ...(timer && { timer }),
    ...(onFault && { onFault }),
    onChange: (state) => {
      onRoom?.(state);
      workers.full = state.full;
      if (!state.full) recovery.retry();
    },
  });
  commands.heed(room);
  await room.start();
  const extents = leases.track(room.guard(await parts.openExtents(leases.lease)));
  await refuseOtherMetadata(commands, extents);
  await commands.run(checkFormat, {});
  await recovery.start();
  // There may have been room again before it was known that it has to wait.
  if (!room.full) recovery.retry();
  const contentIds = new ContentIds((count) => commands.run(leaseNumbers, { name: CONTENT_IDS, count }));
  const nextContentId = () => contentIds.next();
  const staging = new Staging({ extents, nextContentId });
  const places = new RememberedPlaces(extents);
  const collector = new Collector({
    commands,
    extents: workers.watch(extents),
    pins: workers,
    leases,
    onFreed: () => {
      workers.tellRemoved();
      room.look();
    },
    ...(timer && { timer }),
    ...(onFault && { onFault }),
  });
  const backups = new Backups({ engine, commands, extents, pins, environment, instance });
  commands.onCommit(() => collector.wake());
  collector.start();
  const ownMaintenance = (): LocalMaintenance =>
    new LocalMaintenance({
      commands,
      extents,
      pins,
      paceOf: parts.paceOf ?? ((bytesPerSecond) => new Pace({ bytesPerSecond })),
      // Not what would leave too little to take the reserve again.
      hasRoom: async (bytes) =>
        !room.full && (await extents.freeBytes()) >= bytes + 2 * (reserve?.lengthBytes ?? 0),
      ...(timer && { timer }),
      ...(onFault && { onFault }),
    });
  const maintenance = parts.maintenance ?? ownMaintenance();
  const own = maintenance instanceof LocalMaintenance ? maintenance : undefined;
  own?.start();
  return {
    files: new Files({ commands, extents, places, pins, nextContentId }),
    objects: new Objects({ commands, staging, extents, places, pins, contentIds, scratch: new Scratch() }),
    volumes: new Volumes({ commands, environment, changes }),
    accounts: new Accounts({ commands, environment, changes }),
    lockHosts: new LockHosts(commands),
    collector,
    workers,
    compactor: own,
    room,
    get recovered() {
      return recovery.recovered;
    },
    lookForLost: (options) => lookForLost({ commands, extents, ...options }),
    scrub: (work) => maintenance.scrub(work),
    backup: (options) => backups.take(options),
    compact: (work) => compactStore({ extents, collector, maintenance }, work),
    async close() {
      await own?.stop();
      await collector.stop();
      await room.stop();
      await recovery.stop();
      // Segments are sealed, durably, before the leases that would have recovery look at them end.
      await extents.close();
      await leases.end(extents).catch((error: unknown) => onFault?.({ doing: 'end leases', error }));
      await engine.close();
    },
  };
}

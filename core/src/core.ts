/** The core as one thing: what a process opens over an engine and an extent store, and gateways talk to. */

import type { Engine } from '@facet/engine';
import type { ContainerLease, ExtentStore } from '@facet/extents';
import { Accounts } from './accounts/accounts.ts';
import { CommandRunner, type Environment } from './commands/command.ts';
import { leaseNumbers } from './commands/counter.ts';
import { CONTENT_IDS, ContentIds } from './contents/bodies.ts';
import { Scratch } from './contents/scratch.ts';
import { Staging } from './contents/staging.ts';
import { FsError } from './errors.ts';
import type { FileView } from './files/types.ts';
import { Files } from './files/view.ts';
import { LockHosts, type LockHostView } from './locks/hosts.ts';
import { checkFormat, isMarked } from './meta/format.ts';
import { Objects } from './objects/objects.ts';
import type { ObjectView } from './objects/types.ts';
import { ContainerLeases } from './recovery/leases.ts';
import { type Recovered, recover } from './recovery/recover.ts';
import type { LostBytes } from './recovery/survey.ts';
import { Collector, type CollectorParts } from './space/collector.ts';
import { Pins } from './space/pins.ts';
import type { Timer } from './space/timer.ts';
import type { AccountView, VolumeView } from './volumes/types.ts';
import { Volumes } from './volumes/volumes.ts';

export interface Core {
  readonly files: FileView;
  readonly objects: ObjectView;
  readonly volumes: VolumeView;
  readonly accounts: AccountView;
  readonly lockHosts: LockHostView;
  /** Gives space back in the background. */
  readonly collector: Pick<Collector, 'backlog' | 'counts' | 'drain'>;
  /** What the start found of writers that ended without closing. */
  readonly recovered: Recovered;
  /** Ends the background work and closes the extent store and the engine. The next start has nothing to recover. */
  close(): Promise<void>;
}

export interface CoreParts {
  readonly engine: Engine;
  /** Opens the extent store with the lease of this process. */
  readonly openExtents: (lease: ContainerLease) => Promise<ExtentStore>;
  readonly environment: Environment;
  /** What runs every command and read. On the engine in this process unless told. */
  readonly commands?: CommandRunner;
  /** When background work is done. The system's timer unless told. */
  readonly timer?: Timer;
  /** Told of referred bytes that recovery found damaged or missing. */
  readonly onLost?: (lost: LostBytes) => void;
  /** Told of what went wrong in background work, which goes on. */
  readonly onFault?: CollectorParts['onFault'];
}

const INSTANCE_BYTES = 16;

/**
 * Bytes without metadata are a store whose metadata is lost, or in a place that is not mounted. As a new store it
 * would lease the ids of their containers again, and recovery would remove them.
 * @throws FsError Corrupt
 */
async function refuseLostMetadata(commands: CommandRunner, extents: ExtentStore): Promise<void> {
  if (await commands.read('openCore', isMarked)) return;
  const { length } = await extents.list();
  if (length === 0) return;
  throw new FsError(
    'Corrupt',
    `there is no metadata, but ${length} containers with data: bring it back first`,
  );
}

/** Opens the store and recovers it: the caller makes sure that no other process is at work on it meanwhile. */
export async function openCore(parts: CoreParts): Promise<Core> {
  const { engine, environment, timer, onLost, onFault } = parts;
  const commands = parts.commands ?? new CommandRunner(engine, environment);
  const instance = environment.randomBytes(INSTANCE_BYTES);
  const leases = new ContainerLeases({ commands, instance });
  const extents = leases.track(await parts.openExtents(leases.lease));
  await refuseLostMetadata(commands, extents);
  await commands.run(checkFormat, {});
  const recovered = await recover({ commands, extents, instance, ...(onLost && { onLost }) });
  const contentIds = new ContentIds((count) => commands.run(leaseNumbers, { name: CONTENT_IDS, count }));
  const pins = new Pins();
  const nextContentId = () => contentIds.next();
  const staging = new Staging({ extents, nextContentId });
  const collector = new Collector({
    commands,
    extents,
    pins,
    leases,
    ...(timer && { timer }),
    ...(onFault && { onFault }),
  });
  commands.onCommit(() => collector.wake());
  collector.start();
  return {
    files: new Files({ commands, extents, pins, nextContentId }),
    objects: new Objects({ commands, staging, extents, pins, contentIds, scratch: new Scratch() }),
    volumes: new Volumes({ commands, environment }),
    accounts: new Accounts({ commands, environment }),
    lockHosts: new LockHosts(commands),
    collector,
    recovered,
    async close() {
      await collector.stop();
      // Segments are sealed, durably, before the leases that would have recovery look at them end.
      await extents.close();
      await leases.end(extents).catch((error: unknown) => onFault?.({ doing: 'end leases', error }));
      await engine.close();
    },
  };
}

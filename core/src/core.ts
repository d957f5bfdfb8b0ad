/** The core as one thing: what a process opens over an engine and an extent store, and gateways talk to. */

import type { Engine } from '@facet/engine';
import type { ContainerLease, ExtentStore } from '@facet/extents';
import { containerId } from '@facet/extents';
import { Accounts } from './accounts/accounts.ts';
import { CommandRunner, type Environment } from './commands/command.ts';
import { leaseNumbers } from './commands/counter.ts';
import { ContentIds } from './contents/bodies.ts';
import { Staging } from './contents/staging.ts';
import type { FileView } from './files/types.ts';
import { Files } from './files/view.ts';
import { Objects } from './objects/objects.ts';
import type { ObjectView } from './objects/types.ts';
import { Pins } from './space/pins.ts';
import type { AccountView, VolumeView } from './volumes/types.ts';
import { Volumes } from './volumes/volumes.ts';

export interface Core {
  readonly files: FileView;
  readonly objects: ObjectView;
  readonly volumes: VolumeView;
  readonly accounts: AccountView;
  /** Finishes what is under way and closes the engine and the extent store. */
  close(): Promise<void>;
}

export interface CoreParts {
  readonly engine: Engine;
  /** Opens the extent store with the lease of this process. */
  readonly openExtents: (lease: ContainerLease) => Promise<ExtentStore>;
  readonly environment: Environment;
}

const CONTAINERS_PER_LEASE = 16;

export async function openCore(parts: CoreParts): Promise<Core> {
  const { engine, environment } = parts;
  const commands = new CommandRunner(engine, environment);
  const lease = (name: string) => (count: number) => commands.run(leaseNumbers, { name, count });
  const extents = await parts.openExtents(async () => {
    const first = containerId(await lease('container')(CONTAINERS_PER_LEASE));
    return { first, count: CONTAINERS_PER_LEASE };
  });
  const contentIds = new ContentIds(lease('content'));
  const pins = new Pins();
  const nextContentId = () => contentIds.next();
  const staging = new Staging({ extents, nextContentId });
  return {
    files: new Files({ commands, extents, pins, nextContentId }),
    objects: new Objects({ commands, staging, extents, pins, contentIds }),
    volumes: new Volumes(commands),
    accounts: new Accounts({ commands, environment }),
    async close() {
      await extents.close();
      await engine.close();
    },
  };
}

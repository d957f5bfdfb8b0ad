/** The core as a worker has it that serves S3: the object view, over a store that another process keeps. */

import { Accounts } from '../accounts/accounts.ts';
import type { Environment } from '../commands/command.ts';
import { leaseNumbers } from '../commands/counter.ts';
import { CONTENT_IDS, ContentIds } from '../contents/bodies.ts';
import { RememberedPlaces } from '../contents/remembered.ts';
import { Scratch } from '../contents/scratch.ts';
import { Staging } from '../contents/staging.ts';
import type { LookupChanges } from '../lookups/recent.ts';
import { Objects } from '../objects/objects.ts';
import type { ObjectView } from '../objects/types.ts';
import type { AccountView, VolumeView } from '../volumes/types.ts';
import { Volumes } from '../volumes/volumes.ts';
import { openWorkerStore, type WorkerStore, type WorkerStoreParts } from './workerStore.ts';

export interface WorkerCore extends Pick<WorkerStore, 'answers' | 'close'> {
  readonly objects: ObjectView;
  readonly volumes: VolumeView;
  readonly accounts: AccountView;
}

export interface WorkerCoreParts extends WorkerStoreParts {
  readonly changes: LookupChanges;
  readonly environment: Environment;
}

export async function openWorkerCore(parts: WorkerCoreParts): Promise<WorkerCore> {
  const { environment, changes } = parts;
  const { commands, extents, pins, answers, close } = await openWorkerStore(parts);
  const contentIds = new ContentIds((count) => commands.run(leaseNumbers, { name: CONTENT_IDS, count }));
  const staging = new Staging({ extents, nextContentId: () => contentIds.next(), leavesSmall: true });
  const places = new RememberedPlaces(extents);
  return {
    objects: new Objects({ commands, staging, extents, places, pins, contentIds, scratch: new Scratch() }),
    volumes: new Volumes({ commands, environment, changes }),
    accounts: new Accounts({ commands, environment, changes }),
    answers,
    close,
  };
}

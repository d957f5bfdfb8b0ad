/** The core as a worker has it: the object view, over a store that another process keeps. */

import { type ContainerLease, containerId, type ExtentStore } from '@facet/extents';
import { Accounts } from '../accounts/accounts.ts';
import type { Environment } from '../commands/command.ts';
import { leaseNumbers } from '../commands/counter.ts';
import { CONTENT_IDS, ContentIds } from '../contents/bodies.ts';
import { Scratch } from '../contents/scratch.ts';
import { Staging } from '../contents/staging.ts';
import { FsError } from '../errors.ts';
import type { LookupChanges } from '../lookups/recent.ts';
import { Objects } from '../objects/objects.ts';
import type { ObjectView } from '../objects/types.ts';
import { ContainerLeases } from '../recovery/leases.ts';
import { Pins } from '../space/pins.ts';
import { systemTimer } from '../space/timer.ts';
import type { AccountView, VolumeView } from '../volumes/types.ts';
import { Volumes } from '../volumes/volumes.ts';
import type { Answers, WorkerCalls } from './protocol.ts';
import type { StoreAccess } from './storeAccess.ts';
import { type Freshness, type Replica, WorkerCommands } from './workerCommands.ts';
import { WorkerRoom } from './workerRoom.ts';

/** Containers that are done with leave their leases so often. */
const GIVE_BACK_MS = 2_000;

export interface WorkerCore {
  readonly objects: ObjectView;
  readonly volumes: VolumeView;
  readonly accounts: AccountView;
  /** What the store asks of this worker. */
  readonly answers: Answers<WorkerCalls>;
  /** Seals what is open and ends the leases. Nothing is left to recover, if the store is there. */
  close(): Promise<void>;
}

export interface WorkerCoreParts {
  readonly access: StoreAccess;
  readonly replica: Replica;
  readonly freshness: Freshness;
  readonly changes: LookupChanges;
  /** 16 random bytes, which name this run of this worker. */
  readonly instance: Uint8Array;
  /** Opens the extent store with the lease of this process. */
  readonly openExtents: (lease: ContainerLease) => Promise<ExtentStore>;
  readonly environment: Environment;
  readonly onFault: (fault: { readonly doing: string; readonly error: unknown }) => void;
}

export async function openWorkerCore(parts: WorkerCoreParts): Promise<WorkerCore> {
  const { access, instance, environment, changes, onFault } = parts;
  const commands = new WorkerCommands(parts);
  const leases = new ContainerLeases({ commands, instance });
  const room = new WorkerRoom(() => {
    access
      .reach()
      .then((store) => store.call('metFullDisk', null))
      .catch(() => undefined);
  });
  const extents = leases.track(room.guard(await parts.openExtents(leases.lease)));
  const contentIds = new ContentIds((count) => commands.run(leaseNumbers, { name: CONTENT_IDS, count }));
  const pins = new Pins();
  const staging = new Staging({ extents, nextContentId: () => contentIds.next(), leavesSmall: true });
  const returning = new Returning(() => leases.giveBack(extents), onFault);
  return {
    objects: new Objects({ commands, staging, extents, pins, contentIds, scratch: new Scratch() }),
    volumes: new Volumes({ commands, changes }),
    accounts: new Accounts({ commands, environment, changes }),
    answers: {
      oldestPin: ({ committed }) => {
        pins.committed(committed);
        return pins.oldest();
      },
      room: ({ full }) => {
        room.full = full;
        return null;
      },
      retire: ({ container }) => {
        extents.retire(containerId(container));
        return null;
      },
    },
    async close() {
      await returning.stop();
      await extents.close();
      // Without the store they stay, for its recovery.
      await leases.end(extents).catch((error: unknown) => onFault({ doing: 'end leases', error }));
    },
  };
}

/** Gives containers that are done with back, now and then. */
class Returning {
  readonly #giveBack: () => Promise<number>;
  readonly #onFault: WorkerCoreParts['onFault'];
  #next: { cancel(): void };
  #underWay: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(giveBack: () => Promise<number>, onFault: WorkerCoreParts['onFault']) {
    this.#giveBack = giveBack;
    this.#onFault = onFault;
    this.#next = this.#later();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#next.cancel();
    await this.#underWay;
  }

  #later(): { cancel(): void } {
    return systemTimer.after(GIVE_BACK_MS, () => {
      this.#underWay = this.#run();
    });
  }

  async #run(): Promise<void> {
    try {
      await this.#giveBack();
    } catch (error) {
      if (!isAway(error)) this.#onFault({ doing: 'give containers back', error });
    }
    if (!this.#stopped) this.#next = this.#later();
  }
}

/** The next time will do. */
function isAway(error: unknown): boolean {
  return error instanceof FsError && (error.code === 'Interrupted' || error.code === 'Busy');
}

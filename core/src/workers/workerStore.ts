/** What every worker stands on: the store that another process keeps, read here and changed there. */

import { type ContainerLease, containerId, type ExtentStore } from '@facet/extents';
import type { Commands } from '../commands/command.ts';
import { FsError } from '../errors.ts';
import { ContainerLeases } from '../recovery/leases.ts';
import { Pins } from '../space/pins.ts';
import { systemTimer, type Timer } from '../space/timer.ts';
import type { Answers, WorkerCalls } from './protocol.ts';
import type { StoreAccess } from './storeAccess.ts';
import { type Freshness, type Replica, WorkerCommands } from './workerCommands.ts';
import { WorkerRoom } from './workerRoom.ts';

/** Containers that are done with leave their leases so often. */
const GIVE_BACK_MS = 2_000;

export interface WorkerStore {
  readonly commands: Commands;
  /** Its containers are leased by this worker, and refused while the disk is full. */
  readonly extents: ExtentStore;
  readonly pins: Pins;
  readonly room: Pick<WorkerRoom, 'isFull'>;
  /** What the store asks of any worker. */
  readonly answers: Answers<WorkerCalls>;
  /** Seals what is open and ends the leases. Nothing is left to recover, if the store is there. */
  close(): Promise<void>;
}

export interface WorkerStoreParts {
  readonly access: StoreAccess;
  readonly replica: Replica;
  readonly freshness: Freshness;
  /** As {@link Commands.leftBehind}. */
  readonly onLeftBehind?: () => void;
  /** 16 random bytes, which name this run of this worker. */
  readonly instance: Uint8Array;
  /** Opens the extent store with the lease of this process. */
  readonly openExtents: (lease: ContainerLease) => Promise<ExtentStore>;
  /** When background work is done. The system's timer unless told. */
  readonly timer?: Timer;
  readonly onFault: (fault: { readonly doing: string; readonly error: unknown }) => void;
}

export async function openWorkerStore(parts: WorkerStoreParts): Promise<WorkerStore> {
  const { access, instance, timer = systemTimer, onFault } = parts;
  const commands = new WorkerCommands(parts);
  const leases = new ContainerLeases({ commands, instance });
  const room = new WorkerRoom(() => {
    access
      .reach()
      .then((store) => store.call('metFullDisk', null))
      .catch(() => undefined);
  });
  const extents = leases.track(room.guard(await parts.openExtents(leases.lease)));
  const pins = new Pins();
  const returning = new Returning({ giveBack: () => leases.giveBack(extents), timer, onFault });
  return {
    commands,
    extents,
    pins,
    room,
    answers: {
      oldestPin: ({ committed }) => {
        pins.committed(committed);
        return pins.oldest();
      },
      room: ({ full }) => {
        room.isFull = full;
        return null;
      },
      retire: ({ containers }) => {
        for (const container of containers) extents.retire(containerId(container));
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

interface ReturningParts extends Pick<WorkerStoreParts, 'onFault'> {
  readonly giveBack: () => Promise<number>;
  readonly timer: Timer;
}

/** Gives containers that are done with back, now and then. */
class Returning {
  readonly #parts: ReturningParts;
  #next: { cancel(): void };
  #underWay: Promise<void> = Promise.resolve();
  #stopped = false;

  constructor(parts: ReturningParts) {
    this.#parts = parts;
    this.#next = this.#later();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#next.cancel();
    await this.#underWay;
  }

  #later(): { cancel(): void } {
    return this.#parts.timer.after(GIVE_BACK_MS, () => {
      this.#underWay = this.#run();
    });
  }

  async #run(): Promise<void> {
    try {
      await this.#parts.giveBack();
    } catch (error) {
      if (!isAway(error)) this.#parts.onFault({ doing: 'give containers back', error });
    }
    if (!this.#stopped) this.#next = this.#later();
  }
}

/** The next time will do. */
function isAway(error: unknown): boolean {
  return error instanceof FsError && (error.code === 'Interrupted' || error.code === 'Busy');
}

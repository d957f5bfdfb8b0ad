/** Maintenance of a store that another process keeps: compaction in the background, and what that process asks for. */

import { Pace } from '../scrub/pace.ts';
import type { CompactorCounts } from '../space/compactor.ts';
import type { Answers, OtherEnd, WorkerCalls } from '../workers/protocol.ts';
import { openWorkerStore, type WorkerStoreParts } from '../workers/workerStore.ts';
import { LocalMaintenance } from './local.ts';
import { machineTime } from './machineTime.ts';
import { type MaintenanceCalls, MaintenanceTasks, type ProgressCalls } from './remote.ts';

export interface MaintenanceCore {
  readonly compactor: { readonly counts: CompactorCounts };
  readonly answers: Answers<WorkerCalls & MaintenanceCalls>;
  /** Nobody waits any more for what was asked for. */
  storeLeft(): void;
  /** Ends what is under way, and the leases. */
  close(): Promise<void>;
}

export interface MaintenanceCoreParts extends WorkerStoreParts {
  /** Copies leave so much of the disk alone: for who comes in between, and for the room that is held back. */
  readonly roomLeftBytes: number;
  /** The store, to be told of progress; undefined while it is away. */
  readonly teller: () => OtherEnd<ProgressCalls> | undefined;
  /** Keeps the work to a rate. By the clock, and the load of the machine, unless told. */
  readonly paceOf?: (bytesPerSecond: number) => Pick<Pace, 'take'>;
}

export async function openMaintenanceCore(parts: MaintenanceCoreParts): Promise<MaintenanceCore> {
  const { onFault, roomLeftBytes, teller, timer } = parts;
  const { commands, extents, pins, room, answers, close } = await openWorkerStore(parts);
  const maintenance = new LocalMaintenance({
    commands,
    extents,
    pins,
    paceOf: parts.paceOf ?? ((bytesPerSecond) => new Pace({ bytesPerSecond, loopTime: machineTime })),
    hasRoom: async (bytes) => !room.isFull && (await extents.freeBytes()) >= bytes + roomLeftBytes,
    onFault,
    ...(timer && { timer }),
  });
  const tasks = new MaintenanceTasks(maintenance, teller);
  maintenance.start();
  return {
    compactor: maintenance,
    answers: { ...answers, ...tasks.answers },
    storeLeft: () => tasks.endAll(),
    async close() {
      tasks.endAll();
      await maintenance.stop();
      await close();
    },
  };
}

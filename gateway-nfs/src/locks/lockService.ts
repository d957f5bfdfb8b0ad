/** The lock manager with everything around it: what a server starts, serves and closes. */
import { callRpc } from '../rpc/client.ts';
import type { Logger, Program } from '../rpc/program.ts';
import type { LockClientStore } from './clients.ts';
import type { LockLimits } from './lockLoads.ts';
import { type LocateFile, LockManager } from './lockManager.ts';
import { createNlmProgram } from './nlmProgram.ts';
import { createNsmProgram } from './nsmProgram.ts';
import { type Pause, pause as systemPause } from './pause.ts';
import { createPeerCalls } from './peerCalls.ts';
import { restartLocks } from './restart.ts';

export interface LockServiceParts {
  readonly locate: LocateFile;
  readonly store: LockClientStore;
  readonly log: Logger;
  /** Whether a call may be made at all, by its credential and peer. All may unless told. */
  readonly allows?: Program['allows'];
  readonly limits?: LockLimits;
  /** How long only locks held before a restart are granted. 45 s unless told. */
  readonly graceMs?: number;
  /** The system's clock unless told. */
  readonly pause?: Pause;
  /** Where clients have their port mappers. 111 unless told. */
  readonly portmapPort?: number;
}

export interface LockService {
  /** NLM version 4 and NSM version 1, to be served over TCP and UDP. */
  readonly programs: readonly Program[];
  readonly counts: LockManager['counts'];
  /** Resolves when the grace period is over: at once where nobody held locks before. */
  readonly graceOver: Promise<void>;
  /** Tells the hosts that held locks before a restart, which may ask for them at once: calls must be served by now. */
  announce(): void;
  /** A file is removed: its locks go. `file` is what `locate` calls it. */
  dropFile(file: string): void;
  /** Ends call-backs and notices, when no call is served any more. Locks end with the process, which to take again is noted. */
  close(): Promise<void>;
}

/** Begins the grace period. */
export async function openLockService(parts: LockServiceParts): Promise<LockService> {
  const { log, store, allows, graceMs, pause = systemPause, portmapPort } = parts;
  const callPeer = createPeerCalls({ callRpc, log, ...(portmapPort !== undefined && { portmapPort }) });
  const manager = new LockManager({ ...parts, callPeer, pause });
  const restart = await restartLocks({
    ...{ manager, store, callPeer, pause, log },
    ...(graceMs !== undefined && { graceMs }),
  });
  return {
    programs: [
      createNlmProgram({ manager, callPeer, ...(allows && { allows }) }),
      createNsmProgram({ manager, state: restart.state, ...(allows && { allows }) }),
    ],
    get counts() {
      return manager.counts;
    },
    graceOver: restart.graceOver,
    announce: () => restart.announce(),
    dropFile: (file) => manager.dropFile(file),
    close: () => restart.close(),
  };
}

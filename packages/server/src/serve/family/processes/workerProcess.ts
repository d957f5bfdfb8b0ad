/** A worker, as the supervisor has it: a process that reads the store by itself, and has the store's process write. */

import { Socket } from 'node:net';
import type { Logger } from 'pino';
import { restoreCrashSignals } from '../../../crashSignals.ts';
import { EXIT } from '../../../exitCodes.ts';
import type { ToWorker } from '../protocol/messages.ts';
import { failToParent, tellParent } from './toParent.ts';

export type StartedWorker = Extract<ToWorker, { kind: 'start' }>;

export interface OpenWorker {
  accept(socket: Socket): void;
  /** One that it was given is. */
  connectionOver(): void;
  /** Requests that are not over yet. */
  underWay(): number;
  /** Lets go of the store. */
  suspend(): Promise<void>;
  /** The store is back. */
  resume(): Promise<void>;
  /** Another should take its place. */
  isSpent(): boolean;
  /** The store is away, and does not come back: nothing waits for it. */
  abandonStore(): void;
  /** Finishes what is under way. Connections that are idle have `idleMs` for another request. */
  stop(idleMs: number): Promise<void>;
}

export async function runWorker(
  start: StartedWorker,
  logger: Logger,
  open: (start: StartedWorker, logger: Logger) => Promise<OpenWorker>,
): Promise<void> {
  restoreCrashSignals();
  const opening = open(start, logger);
  // What is said while it opens is heard when it has.
  process.on('message', (message: ToWorker, handle: unknown) => {
    opening.then((worker) => heed(worker, message, handle)).catch(failToParent);
  });
  try {
    await opening;
    tellParent({ kind: 'ready' });
  } catch (error) {
    failToParent(error);
  }
}

async function heed(worker: OpenWorker, message: ToWorker, handle: unknown): Promise<void> {
  switch (message.kind) {
    case 'connection':
      if (handle instanceof Socket) worker.accept(handle.once('close', () => worker.connectionOver()));
      else worker.connectionOver();
      return;
    case 'suspend':
      await worker.suspend();
      return tellParent({ kind: 'suspended' });
    case 'resume':
      await worker.resume();
      if (worker.isSpent()) tellParent({ kind: 'spent' });
      return;
    case 'count':
      return tellParent({ kind: 'counted', requests: worker.underWay() });
    case 'stop':
      if (message.withoutStore) worker.abandonStore();
      await worker.stop(message.idleMs);
      process.exit(EXIT.ok);
      break;
    case 'start':
  }
}

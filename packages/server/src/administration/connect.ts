/**
 * Finds the way to a store: through the server that holds it, or, when nobody does, by opening it here.
 * Who gets the lock decides, so the two never overlap.
 */

import { accessSync, constants, existsSync } from 'node:fs';
import { basename } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { EXIT } from '../exitCodes.ts';
import { CommandFailure } from '../failure.ts';
import { holdStoreForCommand, storeInUse } from '../store/holding.ts';
import { type StoreLayout, storeLayout } from '../store/layout.ts';
import type { Administration } from './contract.ts';
import { type AdminEndpoint, readAdminEndpoint } from './endpointFile.ts';
import { administerRemotely, ServerUnreachable } from './remote.ts';
import { ServerSilent } from './silence.ts';

/** A server that starts or stops, or another command, holds the store this long at most in ordinary life. */
const PATIENCE_MS = 5_000;
const RETRY_EVERY_MS = 50;

export interface StoreOfCommand {
  readonly directory: string;
  /** Told of what goes wrong beside the work, where this process opens the store. */
  readonly remark: (text: string) => void;
}

/**
 * Runs `work` on a store. It is started again only after the server refused the
 * connection, that is, when it had done nothing.
 * @throws CommandFailure NoSuchStore (3) | StoreInUse (5), and what `work` throws
 */
export async function withAdministration<T>(
  { directory, remark }: StoreOfCommand,
  work: (administration: Administration) => Promise<T>,
): Promise<T> {
  const layout = storeLayout(directory);
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const lock = await holdStoreForCommand(layout);
    if (lock !== undefined) {
      try {
        // Loaded only now: who asks a server has its answer before the core would be there.
        const { administerDirectly } = await import('./direct.ts');
        return await administerDirectly({ layout, lock, remark }, work);
      } finally {
        lock.close();
      }
    }
    const endpoint = readAdminEndpoint(layout.adminEndpoint);
    if (endpoint !== undefined) {
      try {
        return await work(administerRemotely(endpoint));
      } catch (error) {
        if (error instanceof ServerSilent) throw hangs(layout, endpoint, error);
        if (!isWorthAnotherTry(error)) throw error;
      }
    }
    if (Date.now() > deadline) throw storeInUse(layout, noAnswer(layout));
    await delay(RETRY_EVERY_MS);
  }
}

function noAnswer({ adminEndpoint }: StoreLayout): string {
  if (existsSync(adminEndpoint)) {
    try {
      accessSync(adminEndpoint, constants.R_OK);
      return 'it does not answer';
    } catch {
      return `who runs this may not read ${adminEndpoint}, which says where it answers`;
    }
  }
  return `it has left no ${basename(adminEndpoint)}, which says where it answers: is the disk full?`;
}

/** The process that answers, which is not the one that holds the lock where there are several. */
function hangs({ directory }: StoreLayout, { pid }: AdminEndpoint, silent: ServerSilent): CommandFailure {
  return new CommandFailure({
    exitCode: EXIT.inUse,
    code: 'StoreInUse',
    message: `the server of ${directory} (pid ${pid}) ${silent.message}. A change that was asked for may yet be made`,
  });
}

function isWorthAnotherTry(error: unknown): boolean {
  if (error instanceof ServerUnreachable) return true;
  // 'Unauthorised': the address is a dead server's and its port has gone to another one.
  return error instanceof CommandFailure && (error.code === 'Starting' || error.code === 'Unauthorised');
}

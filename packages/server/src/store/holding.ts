/** Who may open a store: whoever holds the `owner` region of its lock. */

import { setTimeout as delay } from 'node:timers/promises';
import { EXIT } from '../exitCodes.ts';
import { CommandFailure } from '../failure.ts';
import { makeDataDirectory, unusableDirectory } from './directory.ts';
import { mustHaveRoomForNew } from './fullDisk.ts';
import type { StoreLayout } from './layout.ts';
import { openStoreLock, readLockHolder, type StoreLock } from './lock.ts';
import { checkPlaceForServer, checkStoreForCommand } from './presence.ts';

/** A command may hold the store for a moment; a server that starts waits that long before it gives up. */
const PATIENCE_MS = 2_000;
const RETRY_EVERY_MS = 50;

/**
 * Takes the store for a server, making its directory when there is none.
 * @throws CommandFailure StoreInUse (5) | UnusableDirectory (1) | Corrupt (6)
 */
export async function holdStoreForServer(layout: StoreLayout): Promise<StoreLock> {
  const { isNew } = await checkPlaceForServer(layout);
  makeDataDirectory(layout.directory);
  if (isNew) await mustHaveRoomForNew(layout);
  const lock = openLock(layout);
  const deadline = Date.now() + PATIENCE_MS;
  while (!lock.tryLock('owner', 'exclusive')) {
    if (Date.now() > deadline) {
      lock.close();
      throw storeInUse(layout, 'stop that first, or serve another --data');
    }
    await delay(RETRY_EVERY_MS);
  }
  lock.describeHolder(`facet serve (pid ${process.pid})`);
  return lock;
}

/**
 * Takes the store for one command.
 * @returns undefined when somebody else holds it
 * @throws CommandFailure NoSuchStore (3) | UnusableDirectory (1) | Corrupt (6)
 */
export async function holdStoreForCommand(layout: StoreLayout): Promise<StoreLock | undefined> {
  await checkStoreForCommand(layout);
  const lock = openLock(layout);
  if (!lock.tryLock('owner', 'exclusive')) {
    lock.close();
    return undefined;
  }
  lock.describeHolder(`a facet command (pid ${process.pid})`);
  return lock;
}

/** @throws CommandFailure UnusableDirectory (1) */
export function openLock(layout: StoreLayout): StoreLock {
  try {
    return openStoreLock(layout.lock);
  } catch (error) {
    throw unusableDirectory(layout.directory, error);
  }
}

export function storeInUse(layout: StoreLayout, advice: string): CommandFailure {
  const holder = readLockHolder(layout.lock) ?? 'another process';
  return new CommandFailure({
    exitCode: EXIT.inUse,
    code: 'StoreInUse',
    message: `the store in ${layout.directory} is in use by ${holder}: ${advice}`,
  });
}

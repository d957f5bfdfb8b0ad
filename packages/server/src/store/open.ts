/** Opens a store: its lock, the metadata engine, the extents, and the core over both. */

import { existsSync, mkdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { type Core, openCore } from '@facet/core';
import { openLmdbEngine } from '@facet/engine';
import { LocalExtentStore, NodeDisk } from '@facet/extents';
import { EXIT } from '../exitCodes.ts';
import { CommandFailure } from '../failure.ts';
import type { StoreLayout } from './layout.ts';
import { openStoreLock, readLockHolder, type StoreLock } from './lock.ts';

export interface OpenStore {
  readonly core: Core;
  /** Resolves when the device failed in a way after which the process must end. */
  readonly failed: Promise<Error>;
  close(): Promise<void>;
}

/** A command may hold the store for a moment; a server that starts waits that long before it gives up. */
const LOCK_PATIENCE_MS = 2_000;
const RETRY_EVERY_MS = 50;

/**
 * Takes the store for a server, making it when there is none.
 * @throws CommandFailure StoreInUse (5)
 */
export async function lockStore(layout: StoreLayout): Promise<StoreLock> {
  mkdirSync(layout.directory, { recursive: true, mode: 0o700 });
  const lock = openStoreLock(layout.lock);
  const deadline = Date.now() + LOCK_PATIENCE_MS;
  while (!lock.tryLock('owner', 'exclusive')) {
    if (Date.now() > deadline) {
      lock.close();
      const holder = readLockHolder(layout.lock) ?? 'another process';
      throw new CommandFailure({
        exitCode: EXIT.inUse,
        code: 'StoreInUse',
        message: `the store in ${layout.directory} is in use by ${holder}: stop that first, or serve another --data`,
      });
    }
    await delay(RETRY_EVERY_MS);
  }
  lock.describeHolder(`facet serve (pid ${process.pid})`);
  return lock;
}

/**
 * Opens a store for one command.
 * @returns undefined when somebody else holds it
 * @throws CommandFailure NoSuchStore (3)
 */
export async function openExistingStore(layout: StoreLayout): Promise<OpenStore | undefined> {
  if (!existsSync(layout.lock)) {
    throw new CommandFailure({
      exitCode: EXIT.notFound,
      code: 'NoSuchStore',
      message: `there is no store in ${layout.directory}: 'facet serve --data ${layout.directory}' makes one, or name another --data`,
    });
  }
  const lock = openStoreLock(layout.lock);
  if (!lock.tryLock('owner', 'exclusive')) {
    lock.close();
    return undefined;
  }
  try {
    lock.describeHolder(`a facet command (pid ${process.pid})`);
    const store = await openStore(layout, lock);
    return {
      ...store,
      close: async () => {
        await store.close();
        lock.close();
      },
    };
  } catch (error) {
    lock.close();
    throw error;
  }
}

/** Opens the store whose `owner` lock is held. Closing it leaves the lock alone. */
export async function openStore(layout: StoreLayout, lock: StoreLock): Promise<OpenStore> {
  const { promise: failed, resolve: fail } = Promise.withResolvers<Error>();
  const engine = await openLmdbEngine({ path: layout.metadata, onFatal: fail });
  void lock;
  const core = await openCore({
    engine,
    openExtents: (lease: ContainerLease) =>
      new LocalExtentStore({ disk: new NodeDisk(layout.extents), lease }),
  });
  return {
    core,
    failed,
    close: async () => {
      await core.close();
      await engine.close();
    },
  };
}

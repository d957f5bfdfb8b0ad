/**
 * A directory of backups on this machine's disk, and what of a data directory goes into one as it is.
 *
 * It has a `LOCK` as a store does. Region `owner`: who adds a backup, or removes some. Region `instances`: shared, who reads;
 * exclusive, who removes. So that a backup need not wait for a check, which takes hours where there is much.
 */

import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fromSource, fromTarget, Repository, type SmallFile } from '@facet/core';
import { type Disk, NodeDisk } from '@facet/extents';
import { EXIT } from '../exitCodes.ts';
import { CommandFailure } from '../failure.ts';
import { errorCode } from './directory.ts';
import { openSharedLock, openStoreLock, type StoreLock } from './lock.ts';

/** Those of the files that are there. */
export function smallFilesOf(paths: readonly string[]): readonly SmallFile[] {
  return paths
    .filter((path) => existsSync(path))
    .map((path) => ({ name: basename(path), bytes: readFileSync(path) }));
}

/**
 * Reads of a directory of backups, of which nothing is removed meanwhile. One may be added: that changes nothing of those
 * that are there.
 * @throws CommandFailure NoEntry (3) | StoreInUse (5), errors of the disk, and what `work` throws
 */
export async function withBackupsToRead<T>(directory: string, work: (disk: Disk) => Promise<T>): Promise<T> {
  const disk = new NodeDisk(directory);
  await mustHoldBackups(directory, disk);
  const lock = holdToRead(directory);
  try {
    return await work(disk);
  } finally {
    lock?.close();
  }
}

/** Of what is wrong with its name, in words of whoever named it. @throws CommandFailure NoEntry (3); errors of the disk */
async function mustHoldBackups(directory: string, disk: Disk): Promise<void> {
  const status = await lookedAt(directory, async () => statSync(directory, { throwIfNoEntry: false }));
  if (status?.isDirectory() && (await lookedAt(directory, () => Repository.isIn(disk)))) return;
  const what = status === undefined ? `${directory} does not exist` : `there are no backups in ${directory}`;
  throw new CommandFailure({
    exitCode: EXIT.notFound,
    code: 'NoEntry',
    message: `${what}: name a directory that 'facet backup --to' has written to`,
  });
}

/** @throws CommandFailure AccessDenied (1), errors of the disk, and what `look` throws */
async function lookedAt<T>(directory: string, look: () => Promise<T>): Promise<T> {
  try {
    return await look();
  } catch (error) {
    if (!['EACCES', 'EPERM'].includes(errorCode(error) ?? '')) throw fromSource(error);
    throw new CommandFailure({
      exitCode: EXIT.failed,
      code: 'AccessDenied',
      message: `may not read the directory of backups ${directory}: run this as its owner, who alone may read what backups hold`,
    });
  }
}

/** @returns undefined where no file can be locked: so nobody else holds one there, and it can be read all the same */
function holdToRead(directory: string): { close(): void } | undefined {
  let lock: ReturnType<typeof openSharedLock> | undefined;
  let isHeld = false;
  try {
    lock = openSharedLock(join(directory, 'LOCK'));
    isHeld = lock.tryLock('instances', 'shared');
  } catch {
    lock?.close();
    return undefined;
  }
  if (isHeld) return lock;
  lock.close();
  throw inUse(directory, 'by another process, which removes old backups');
}

/**
 * Works on a directory of backups that nobody else works on, made when there is none but the one above it. Others may
 * read of it: nothing of what is there may be changed.
 * @throws CommandFailure StoreInUse (5), FsError NotEmpty, and what `work` throws
 */
export function withPlaceForBackups<T>(directory: string, work: (disk: Disk) => Promise<T>): Promise<T> {
  return withPlace(directory, work);
}

/**
 * The same where there are some, and nobody reads of it.
 * @throws as {@link withPlaceForBackups}, CommandFailure NoEntry (3)
 */
export async function withBackupsToRemove<T>(
  directory: string,
  work: (disk: Disk) => Promise<T>,
): Promise<T> {
  await mustHoldBackups(directory, new NodeDisk(directory));
  return withPlace(directory, (disk, lock) => {
    if (lock.tryLock('instances', 'exclusive')) return work(disk);
    throw inUse(directory, 'by another process, which reads of it');
  });
}

async function withPlace<T>(
  directory: string,
  work: (disk: Disk, lock: StoreLock) => Promise<T>,
): Promise<T> {
  // A link might lead to the store's own file, which would be cut off where the backup ends.
  const disk = new NodeDisk(directory, { links: false });
  const lock = await prepare(directory, disk).catch((error: unknown) => {
    throw errorCode(error) === 'ENOENT' ? noParent(directory) : fromTarget(error);
  });
  try {
    if (!lock.tryLock('owner', 'exclusive')) throw inUse(directory, 'by another process');
    return await work(disk, lock);
  } finally {
    lock.close();
  }
}

function noParent(directory: string): CommandFailure {
  return new CommandFailure({
    exitCode: EXIT.notFound,
    code: 'NoEntry',
    message: `the directory of backups ${directory} can not be made: the directory above it does not exist`,
  });
}

function inUse(directory: string, by: string): CommandFailure {
  return new CommandFailure({
    exitCode: EXIT.inUse,
    code: 'StoreInUse',
    message: `the directory of backups ${directory} is in use ${by}: wait until it has ended`,
  });
}

async function prepare(directory: string, disk: Disk): Promise<StoreLock> {
  await disk.makeDirectory('');
  // Nothing is left in a place of others.
  await Repository.refuseOthers(disk);
  return openStoreLock(join(directory, 'LOCK'));
}

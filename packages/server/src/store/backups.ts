/** A directory of backups on this machine's disk, and what of a data directory goes into one as it is. */

import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fromTarget, Repository, type SmallFile } from '@facet/core';
import { type Disk, NodeDisk } from '@facet/extents';
import { EXIT } from '../exitCodes.ts';
import { CommandFailure } from '../failure.ts';
import { openStoreLock } from './lock.ts';

/** Those of the files that are there. */
export function smallFilesOf(paths: readonly string[]): readonly SmallFile[] {
  return paths
    .filter((path) => existsSync(path))
    .map((path) => ({ name: basename(path), bytes: readFileSync(path) }));
}

/**
 * Of a directory that is to be read: what is wrong with its name, in words of whoever named it.
 * @throws CommandFailure NoEntry (3); errors of the disk
 */
export async function mustHoldBackups(directory: string): Promise<void> {
  const status = statSync(directory, { throwIfNoEntry: false });
  if (status?.isDirectory() && (await Repository.isIn(new NodeDisk(directory)))) return;
  const what = status === undefined ? `${directory} does not exist` : `there are no backups in ${directory}`;
  throw new CommandFailure({
    exitCode: EXIT.notFound,
    code: 'NoEntry',
    message: `${what}: name a directory that 'facet backup --to' has written to`,
  });
}

/**
 * Works on a directory of backups that nobody else works on, made when there is none but the one above it.
 * @throws CommandFailure StoreInUse (5), FsError NotEmpty, and what `work` throws
 */
export async function withPlaceForBackups<T>(
  directory: string,
  work: (disk: Disk) => Promise<T>,
): Promise<T> {
  // A link might lead to the store's own file, which would be cut off where the backup ends.
  const disk = new NodeDisk(directory, { links: false });
  const lock = await prepare(directory, disk).catch((error: unknown) => {
    throw fromTarget(error);
  });
  try {
    if (lock.tryLock('owner', 'exclusive')) return await work(disk);
    throw new CommandFailure({
      exitCode: EXIT.inUse,
      code: 'StoreInUse',
      message: `the directory of backups ${directory} is in use by another process: wait until it has ended`,
    });
  } finally {
    lock.close();
  }
}

async function prepare(directory: string, disk: Disk) {
  await disk.makeDirectory('');
  // Nothing is left in a place of others.
  await Repository.refuseOthers(disk);
  return openStoreLock(join(directory, 'LOCK'));
}

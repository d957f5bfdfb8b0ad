/** Gives back what no backup of a directory names: left of one that was cut short, or had by those alone that are removed. */

import type { FileStatus } from '@facet/extents';
import { FsError } from '../errors.ts';
import { endOfCopy } from './manifest.ts';
import { type BackupId, CONTAINERS, type Repository } from './repository.ts';

const CONTAINER_FILE = /^([0-9a-f]{14})\.(?:seg|ext)$/;

export interface Swept {
  readonly files: number;
  /** Of the disk, those of tails included. */
  readonly bytes: number;
}

/** Up to where backups need each container, by its id. */
export type NeededEnds = ReadonlyMap<number, number>;

/** A number for each container is held in memory. @throws FsError Corrupt (one of them can not be read) */
export async function neededEnds(repository: Repository, ids: readonly BackupId[]): Promise<NeededEnds> {
  const ends = new Map<number, number>();
  for (const id of ids)
    for (const one of (await repository.manifest(id)).containers)
      ends.set(one.container, Math.max(endOfCopy(one), ends.get(one.container) ?? 0));
  return ends;
}

/**
 * Removes containers that are not needed, and cuts off what lies behind the end of others. Whoever reads a backup meanwhile
 * misses nothing.
 * @throws errors of the disk
 */
export async function sweep({ disk }: Repository, ends: NeededEnds): Promise<Swept> {
  let [files, bytes] = [0, 0];
  for (const shard of await disk.list(CONTAINERS)) {
    for (const file of await disk.list(`${CONTAINERS}/${shard}`)) {
      const path = `${CONTAINERS}/${shard}/${file}`;
      const [, digits] = CONTAINER_FILE.exec(file) ?? [];
      if (digits === undefined) continue;
      const end = ends.get(Number.parseInt(digits, 16));
      const status = await disk.status(path);
      if (end === undefined) {
        if (!(await disk.unlink(path))) continue;
        files += 1;
        bytes += status?.allocatedBytes ?? 0;
      } else if (status && status.sizeBytes > end) {
        bytes += await cutOff(disk, { path, end, status });
      }
    }
  }
  return { files, bytes };
}

async function cutOff(
  disk: Repository['disk'],
  { path, end, status }: { readonly path: string; readonly end: number; readonly status: FileStatus },
): Promise<number> {
  const file = await disk.open(path, 'buffered');
  await file.truncate(end).finally(() => file.close());
  const left = await disk.status(path);
  return Math.max(0, status.allocatedBytes - (left?.allocatedBytes ?? 0));
}

/**
 * The same for all that a backup left which was cut short. Where a manifest can not be read it is not known what that one
 * needs: then no container is touched.
 * @returns bytes of the disk. @throws errors of the disk
 */
export async function sweepUnfinished(repository: Repository): Promise<number> {
  let bytes = 0;
  try {
    bytes = (await sweep(repository, await neededEnds(repository, await repository.backups()))).bytes;
  } catch (error) {
    if (!(error instanceof FsError && error.code === 'Corrupt')) throw error;
  }
  // Last: as long as its metadata are there it is seen that something was left.
  return bytes + (await repository.removeUnfinished());
}

import { FsError } from '../errors.ts';
import { endOfCopy } from './manifest.ts';
import type { BackupId, Repository } from './repository.ts';
import { type NeededEnds, neededEnds, type Swept, sweep } from './sweep.ts';

export interface Pruned extends Swept {
  /** The oldest first. */
  readonly backups: readonly BackupId[];
}

/**
 * Removes all backups but the newest ones, then what none of those names. As many stay of which no record of
 * metadata is missing: what was damaged in the store is whole in an older one at best, and each that is made from then on is
 * without it. A number for each container that is kept is held in memory.
 * @throws FsError Corrupt (one that is kept can not be read: then nothing is removed); errors of the disk
 */
export async function prune(repository: Repository, keep: number): Promise<Pruned> {
  const gone: BackupId[] = [];
  const ends = new Map<number, number>();
  let [newer, whole] = [0, 0];
  for (const id of (await repository.backups()).toReversed()) {
    // Neither is looked at that goes in any case, nor does it matter what is wrong with it.
    const manifest = newer < keep || whole < keep ? await repository.manifest(id) : undefined;
    const isWhole = manifest?.damagedRecordCount === 0;
    newer += 1;
    if (isWhole) whole += 1;
    if (manifest && (isWhole || newer <= keep))
      for (const one of manifest.containers)
        ends.set(one.container, Math.max(endOfCopy(one), ends.get(one.container) ?? 0));
    else gone.unshift(id);
  }
  return removeAll(repository, gone, ends);
}

/**
 * Removes some backups, then what none of the others names. All may go.
 * @throws FsError NoEntry (one is not there) | Corrupt (one that stays can not be read): then nothing is removed; errors of the disk
 */
export async function removeBackups(repository: Repository, ids: readonly BackupId[]): Promise<Pruned> {
  const all = await repository.backups();
  const missing = ids.find((id) => !all.includes(id));
  if (missing !== undefined)
    throw new FsError(
      'NoEntry',
      `there is no backup ${missing}: 'facet backup --list' tells which there are`,
    );
  const kept = await neededEnds(
    repository,
    all.filter((id) => !ids.includes(id)),
  );
  return removeAll(
    repository,
    all.filter((id) => ids.includes(id)),
    kept,
  );
}

async function removeAll(
  repository: Repository,
  gone: readonly BackupId[],
  ends: NeededEnds,
): Promise<Pruned> {
  for (const id of gone) await repository.remove(id);
  const { files, bytes } = await sweep(repository, ends);
  const unfinishedBytes = await repository.removeUnfinished();
  return { backups: gone, files, bytes: bytes + unfinishedBytes };
}

import { type BackupId, CONTAINERS, type Repository } from './repository.ts';

const CONTAINER_FILE = /^([0-9a-f]{14})\.(?:seg|ext)$/;

export interface Pruned {
  /** The oldest first. */
  readonly backups: readonly BackupId[];
  readonly files: number;
  readonly bytes: number;
}

/**
 * Removes all backups but the newest ones, then containers that none of those names. As many stay of which no record of
 * metadata is missing: what was damaged in the store is whole in an older one at best, and each that is made from then on is
 * without it. A number for each container that is kept is held in memory.
 * @throws FsError Corrupt (one that is kept can not be read: then nothing is removed); errors of the disk
 */
export async function prune(repository: Repository, keep: number): Promise<Pruned> {
  const { disk } = repository;
  const gone: BackupId[] = [];
  const kept = new Set<number>();
  let [newer, whole] = [0, 0];
  for (const id of (await repository.backups()).toReversed()) {
    // Neither is looked at that goes in any case, nor does it matter what is wrong with it.
    const manifest = newer < keep || whole < keep ? await repository.manifest(id) : undefined;
    const isWhole = manifest?.damagedRecordCount === 0;
    newer += 1;
    if (isWhole) whole += 1;
    if (manifest && (isWhole || newer <= keep))
      for (const one of manifest.containers) kept.add(one.container);
    else gone.unshift(id);
  }
  for (const id of gone) await repository.remove(id);
  let [files, bytes] = [0, 0];
  for (const shard of await disk.list(CONTAINERS)) {
    for (const file of await disk.list(`${CONTAINERS}/${shard}`)) {
      const path = `${CONTAINERS}/${shard}/${file}`;
      const [, digits] = CONTAINER_FILE.exec(file) ?? [];
      if (digits === undefined || kept.has(Number.parseInt(digits, 16))) continue;
      const status = await disk.status(path);
      if (!(await disk.unlink(path))) continue;
      files += 1;
      bytes += status?.allocatedBytes ?? 0;
    }
  }
  return { backups: gone, files, bytes };
}

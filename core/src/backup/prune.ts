import { type BackupId, CONTAINERS, type Repository } from './repository.ts';

const CONTAINER_FILE = /^([0-9a-f]{14})\.(?:seg|ext)$/;

export interface Pruned {
  /** The oldest first. */
  readonly backups: readonly BackupId[];
  readonly files: number;
  readonly bytes: number;
}

/**
 * Removes all backups but the newest ones, then containers that none of those names. A number for each container that is
 * kept is held in memory.
 * @throws FsError Corrupt (one that is kept can not be read: then nothing is removed); errors of the disk
 */
export async function prune(repository: Repository, keep: number): Promise<Pruned> {
  const { disk } = repository;
  const all = await repository.backups();
  const gone = all.slice(0, Math.max(0, all.length - keep));
  const kept = new Set<number>();
  for (const id of all.slice(gone.length))
    for (const one of (await repository.manifest(id)).containers) kept.add(one.container);
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

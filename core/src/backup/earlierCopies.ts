/**
 * What earlier backups have of containers that the newest one does not name. When that was made, nothing in a segment may
 * have been alive; of one that is still written to more comes later. What is there of it is the earlier backups' own: the
 * next goes on behind it.
 */

import type { ContainerId } from '@facet/extents';
import { FsError } from '../errors.ts';
import type { CopiedContainer, Manifest, SuspiciousRun } from './manifest.ts';
import type { BackupId, Repository } from './repository.ts';

export interface EarlierCopy {
  readonly copied: CopiedContainer;
  /** What was wrong with it when it was copied. */
  readonly suspicious: readonly SuspiciousRun[];
}

/** Their manifests are read when one is asked for, one after the other: held is what they say of those that are wanted. */
export class EarlierCopies {
  readonly #repository: Repository;
  readonly #isWanted: (container: ContainerId) => boolean;
  #copies: Promise<ReadonlyMap<ContainerId, EarlierCopy>> | undefined;

  constructor(repository: Repository, isWanted: (container: ContainerId) => boolean) {
    this.#repository = repository;
    this.#isWanted = isWanted;
  }

  /** That of the latest backup which has it. @throws errors of the disk */
  async of(container: ContainerId): Promise<EarlierCopy | undefined> {
    this.#copies ??= this.#read();
    return (await this.#copies).get(container);
  }

  async #read(): Promise<ReadonlyMap<ContainerId, EarlierCopy>> {
    const copies = new Map<ContainerId, EarlierCopy>();
    for (const id of (await this.#repository.backups()).toReversed()) {
      const manifest = await this.#manifest(id);
      if (!manifest) continue;
      const suspicious = Map.groupBy(manifest.suspicious, ({ container }) => container);
      for (const copied of manifest.containers) {
        const { container } = copied;
        if (copies.has(container) || !this.#isWanted(container)) continue;
        copies.set(container, { copied, suspicious: suspicious.get(container) ?? [] });
      }
    }
    return copies;
  }

  /** Undefined where it is damaged: that backup can not be brought back anyway. */
  async #manifest(id: BackupId): Promise<Manifest | undefined> {
    try {
      return await this.#repository.manifest(id);
    } catch (error) {
      if (error instanceof FsError && error.code === 'Corrupt') return undefined;
      throw error;
    }
  }
}

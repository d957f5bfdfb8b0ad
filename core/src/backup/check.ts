/** Reads all that the backups of a directory consist of, and compares it with its checksums. Nothing is written. */

import type { Disk } from '@facet/extents';
import { FsError } from '../errors.ts';
import { changesIn } from './changes.ts';
import { damagedFile, readBlocks } from './checkedFile.ts';
import { type CopiedContainer, endOfCopy, type Manifest } from './manifest.ts';
import { type DamagedCopy, readStretch } from './readStretch.ts';
import { type BackupId, containerPath, metadataName, Repository } from './repository.ts';
import { openOf } from './restore.ts';
import { fromSource } from './target.ts';

export interface CheckParts {
  /** The directory of backups. */
  readonly from: Disk;
  readonly onProgress?: (progress: { readonly bytes: number; readonly bytesExpected: number }) => void;
}

export interface CheckedBackup {
  readonly id: BackupId;
  /** Why it can not be restored. */
  readonly damage?: string;
  /** What of its data is damaged: all else of it can be restored. */
  readonly damaged: readonly DamagedCopy[];
  /** Records of metadata that were damaged in the store when it was made, and are not in it. */
  readonly damagedRecordCount?: number;
  /** Of its data, that were damaged in the store when it was made, and are so in it. */
  readonly damagedPlaceCount?: number;
}

export interface BackupsReport {
  /** The oldest first. */
  readonly backups: readonly CheckedBackup[];
  /** Read, of metadata and data. */
  readonly bytes: number;
  /** Of the file that names the directory, which can be made anew. */
  readonly remark?: string;
}

/** What several backups have in common is read once. @throws FsError NoEntry | Corrupt | Failed */
export async function checkBackups(parts: CheckParts): Promise<BackupsReport> {
  try {
    const repository = await Repository.open(parts.from);
    const check = new Check(repository, parts);
    const backups: CheckedBackup[] = [];
    for (const id of await repository.backups()) backups.push(await check.backup(id));
    const remark = repository.damage?.message;
    return { backups, bytes: check.bytes, ...(remark !== undefined && { remark }) };
  } catch (error) {
    throw fromSource(error);
  }
}

/** What of the store was damaged already when a backup of it was made. */
export function damageWhenMade({
  damagedRecordCount,
  damagedPlaceCount,
}: Pick<Manifest, 'damagedRecordCount' | 'damagedPlaceCount'>): Pick<
  CheckedBackup,
  'damagedRecordCount' | 'damagedPlaceCount'
> {
  return {
    ...(damagedRecordCount > 0 && { damagedRecordCount }),
    ...(damagedPlaceCount > 0 && { damagedPlaceCount }),
  };
}

class Check {
  readonly #repository: Repository;
  readonly #parts: CheckParts;
  /** What was found of stretches, by where they are and their checksum. */
  readonly #known = new Map<string, DamagedCopy | undefined>();
  #expectedBytes = 0;
  bytes = 0;

  constructor(repository: Repository, parts: CheckParts) {
    this.#repository = repository;
    this.#parts = parts;
  }

  async backup(id: BackupId): Promise<CheckedBackup> {
    try {
      const manifest = await this.#repository.manifest(id);
      await this.#metadata(id, manifest);
      const damaged = await this.#containers(manifest);
      return { id, damaged, ...damageWhenMade(manifest) };
    } catch (error) {
      if (!(error instanceof FsError && error.code === 'Corrupt')) throw error;
      return { id, damage: error.message, damaged: [] };
    }
  }

  /** @throws FsError Corrupt */
  async #metadata(id: BackupId, { changes, metadataBytes }: Manifest): Promise<void> {
    this.#expectedBytes += metadataBytes;
    const name = metadataName(id);
    let count = 0;
    for await (const block of readBlocks(
      this.#repository.disk,
      name,
      this.#repository.identity('metadata', id),
    )) {
      for (const _change of changesIn(block)) count += 1;
      this.#took(block.length);
    }
    if (count !== changes) throw damagedFile(name, `it has ${count} changes, its manifest says ${changes}`);
  }

  async #containers({ containers }: Manifest): Promise<readonly DamagedCopy[]> {
    const found: (DamagedCopy | undefined)[] = [];
    for (const one of containers) found.push(...(await this.#container(one)));
    return found.flatMap((damaged) => damaged ?? []);
  }

  async #container(one: CopiedContainer): Promise<readonly (DamagedCopy | undefined)[]> {
    const path = containerPath(one);
    const stretches = one.stretches.map(({ end, crc }, index) => {
      const offset = one.stretches[index - 1]?.end ?? 0;
      return { run: { path, offset, length: end - offset }, crc, key: `${path} ${offset} ${end} ${crc}` };
    });
    const unknown = stretches.filter(({ key }) => !this.#known.has(key));
    if (unknown.length > 0) {
      const source = await openOf(this.#repository.disk, path);
      if (!source) return [{ path, offset: 0, length: endOfCopy(one), reason: 'the file is missing' }];
      try {
        for (const { run, crc, key } of unknown) {
          this.#expectedBytes += run.length;
          const onChunk = async (_at: number, chunk: Buffer): Promise<void> => this.#took(chunk.length);
          const reason = await readStretch({ source, run, crc, onChunk });
          this.#known.set(key, reason === undefined ? undefined : { ...run, reason });
        }
      } finally {
        await source.close();
      }
    }
    return stretches.map(({ key }) => this.#known.get(key));
  }

  #took(bytes: number): void {
    this.bytes += bytes;
    this.#parts.onProgress?.({ bytes: this.bytes, bytesExpected: Math.max(this.bytes, this.#expectedBytes) });
  }
}

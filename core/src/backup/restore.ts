/** Brings a backup back: metadata into an empty engine, containers into an empty directory, and checks all it reads. */

import { Buffer } from 'node:buffer';
import type { Bytes, Engine, OwnWrite } from '@facet/engine';
import { containerName, type Disk, type DiskFile, shardOf } from '@facet/extents';
import { FsError } from '../errors.ts';
import { knownFormat } from '../meta/format.ts';
import { changesIn, writeChanges } from './changes.ts';
import { damagedFile, readBlocks } from './checkedFile.ts';
import { ended } from './ended.ts';
import { fillLostRanges } from './lostRanges.ts';
import { isLostEntry } from './lostRecords.ts';
import { type CopiedContainer, endOfCopy, type Manifest } from './manifest.ts';
import { forgetBackups } from './mark.ts';
import { CHUNK_BYTES, type DamagedCopy, readStretch } from './readStretch.ts';
import { type BackupId, containerPath, metadataName, Repository } from './repository.ts';
import { fromSource } from './target.ts';

const CHANGES_PER_TRANSACTION = 1000;
const TRANSACTION_BYTES = 1 << 20;
const ZEROS = Buffer.alloc(CHUNK_BYTES);

export interface RestoreParts {
  /** The directory of backups. */
  readonly from: Disk;
  /** The newest unless told. */
  readonly id?: BackupId;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly bytes: number; readonly bytesExpected: number }) => void;
}

export interface RestoredContainers {
  readonly containers: number;
  /** Read and compared, holes included. */
  readonly bytes: number;
  readonly damaged: readonly DamagedCopy[];
}

/** One backup, its manifest read and checked. */
export class OpenedBackup {
  readonly id: BackupId;
  readonly manifest: Manifest;
  readonly #repository: Repository;
  readonly #parts: RestoreParts;

  private constructor(repository: Repository, id: BackupId, manifest: Manifest, parts: RestoreParts) {
    this.#repository = repository;
    this.id = id;
    this.manifest = manifest;
    this.#parts = parts;
  }

  /** @throws FsError NoEntry | Corrupt */
  static async open(parts: RestoreParts): Promise<OpenedBackup> {
    try {
      return await OpenedBackup.#open(parts);
    } catch (error) {
      throw fromSource(error);
    }
  }

  static async #open(parts: RestoreParts): Promise<OpenedBackup> {
    const repository = await Repository.open(parts.from);
    const all = await repository.backups();
    const id = parts.id ?? all.at(-1);
    if (id === undefined) throw new FsError('NoEntry', 'there is no complete backup');
    if (!all.includes(id))
      throw new FsError('NoEntry', `there is no backup ${id}: 'facet backup --list' tells which there are`);
    return new OpenedBackup(repository, id, await repository.manifest(id), parts);
  }

  /** What is wrong with the directory of backups, and mattered not. */
  get remarks(): readonly string[] {
    const { damage } = this.#repository;
    return damage ? [`${damage.message}; what it is to say is in the manifest, too`] : [];
  }

  /**
   * Into an engine that is empty. Metadata of which a byte is wrong are no metadata: what is there then is to be thrown away.
   * @returns how many changes it was. @throws FsError Corrupt | Invalid (of another version) | Closed (ended); EngineError
   */
  async restoreMetadata(engine: Engine): Promise<number> {
    const name = metadataName(this.id);
    const { signal } = this.#parts;
    let count = 0;
    const lostEntries: Bytes[] = [];
    let batch: OwnWrite[] = [];
    let bytes = 0;
    const write = async (): Promise<void> => {
      if (signal?.aborted) throw ended();
      count += await writeChanges(engine, batch);
      batch = [];
      bytes = 0;
    };
    for await (const block of this.#blocks(name)) {
      for (const change of changesIn(block)) {
        batch.push(change);
        if (isLostEntry(change)) lostEntries.push(Buffer.from(change.key));
        bytes += change.key.length + (change.value?.length ?? 0);
        if (batch.length >= CHANGES_PER_TRANSACTION || bytes >= TRANSACTION_BYTES) await write();
      }
    }
    if (batch.length > 0) await write();
    if (count !== this.manifest.changes)
      throw damagedFile(name, `it has ${count} changes, its manifest says ${this.manifest.changes}`);
    // Before anything else is brought back.
    await engine.read(knownFormat);
    await fillLostRanges(engine, lostEntries, signal);
    await forgetBackups(engine);
    return count;
  }

  async *#blocks(name: string): AsyncGenerator<Buffer, void, void> {
    const { disk } = this.#repository;
    try {
      yield* readBlocks(disk, name, this.#repository.identity('metadata', this.id));
    } catch (error) {
      throw fromSource(error);
    }
  }

  /**
   * Into a directory of extents that is empty. Bytes that are damaged are told, and brought back as they are: what is
   * read of them later is checked again.
   * @throws FsError Closed (ended); errors of both disks
   */
  async restoreContainers(extents: Disk): Promise<RestoredContainers> {
    const { onProgress } = this.#parts;
    const { containers } = this.manifest;
    const bytesExpected = containers.reduce((sum, one) => sum + endOfCopy(one), 0);
    const damaged: DamagedCopy[] = [];
    const shards = new Set<string>();
    let bytes = 0;
    await extents.makeDirectory('');
    for (const one of containers) {
      const shard = shardOf(one.container);
      if (!shards.has(shard)) await extents.makeDirectory(shard);
      shards.add(shard);
      const onBytes = (more: number): void => {
        bytes += more;
        onProgress?.({ bytes, bytesExpected });
      };
      damaged.push(...(await this.#restoreContainer(extents, one, onBytes)));
    }
    for (const shard of [...shards, '']) await extents.syncDirectory(shard);
    return { containers: containers.length, bytes, damaged };
  }

  async #restoreContainer(
    extents: Disk,
    one: CopiedContainer,
    onBytes: (bytes: number) => void,
  ): Promise<readonly DamagedCopy[]> {
    const { disk } = this.#repository;
    const path = containerPath(one);
    const end = endOfCopy(one);
    const damaged: DamagedCopy[] = [];
    const source = await openOf(disk, path);
    if (!source) return [{ path, offset: 0, length: end, reason: 'the file is missing' }];
    try {
      const target = await extents.create(containerName(one.container, one.kind), 'buffered');
      try {
        let offset = 0;
        for (const stretch of one.stretches) {
          const run = { path, offset, length: stretch.end - offset };
          const reason = await readStretch({
            source,
            run,
            crc: stretch.crc,
            signal: this.#parts.signal,
            onChunk: async (at, chunk) => {
              // A hole stays one.
              if (chunk.compare(ZEROS, 0, chunk.length) !== 0)
                await target.write({ position: at, buffers: [chunk] });
              onBytes(chunk.length);
            },
          });
          if (reason !== undefined) damaged.push({ ...run, reason });
          offset = stretch.end;
        }
        await target.truncate(one.sizeBytes);
        await target.sync();
      } finally {
        await target.close();
      }
    } finally {
      await source.close();
    }
    return damaged;
  }
}

/** @returns undefined where there is none. @throws FsError */
export async function openOf(disk: Disk, path: string): Promise<DiskFile | undefined> {
  try {
    return (await disk.status(path)) && (await disk.open(path, 'none'));
  } catch (error) {
    throw fromSource(error);
  }
}

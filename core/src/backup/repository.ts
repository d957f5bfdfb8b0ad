/**
 * A directory of backups of one store. Each is a manifest, which names the rest, and a file of metadata; bytes of
 * containers are shared by all, since what is once written to a place of one never changes.
 *
 * | path | |
 * |---|---|
 * | `repository` | its 16 random bytes, which each manifest has, too: without this file they are read there |
 * | `backups/ID.manifest` | there only when all that it names is on stable storage |
 * | `backups/ID.metadata` | |
 * | `containers/00/00000000000042.seg` | as in the store: longer than any manifest says after a backup that was cut short |
 */

import { Buffer } from 'node:buffer';
import { type ContainerInfo, containerName, type Disk } from '@facet/extents';
import { FsError } from '../errors.ts';
import {
  CheckedWriter,
  damagedFile,
  type FileIdentity,
  ID_BYTES,
  readBlocks,
  readIdentity,
} from './checkedFile.ts';
import { type Manifest, readManifest, writeManifest } from './manifest.ts';

const REPOSITORY = 'repository';
const BACKUPS = 'backups';
export const CONTAINERS = 'containers';
const NEW = '.new';
const MANIFEST = '.manifest';
const METADATA = '.metadata';
/** What whoever holds the directory may have put into it, and a file system's own. */
const NOT_OURS = ['LOCK', 'lost+found'];
const NAMED_MAX = 3;
const ID = /^\d{8}T\d{6}Z$/;

/** Names one backup: when it began, in UTC, as in `20261129T042127Z`. 16 bytes as ASCII. */
export type BackupId = string;

export const metadataName = (id: BackupId): string => `${BACKUPS}/${id}${METADATA}`;
const manifestName = (id: BackupId): string => `${BACKUPS}/${id}${MANIFEST}`;
export const containerPath = ({ container, kind }: Pick<ContainerInfo, 'container' | 'kind'>): string =>
  `${CONTAINERS}/${containerName(container, kind)}`;
export const idBytes = (id: BackupId): Buffer => Buffer.from(id, 'ascii');

const NONE = Buffer.alloc(ID_BYTES);

export class Repository {
  readonly disk: Disk;
  /** 16 bytes. */
  readonly id: Buffer;
  /** What is wrong with the file that is to hold its bytes, which a manifest told. */
  readonly damage: FsError | undefined;

  private constructor(disk: Disk, id: Buffer, damage?: FsError) {
    this.disk = disk;
    this.id = id;
    this.damage = damage;
  }

  /** Whether backups were made there. @throws errors of the disk */
  static async isIn(disk: Disk): Promise<boolean> {
    return (await disk.status(REPOSITORY)) !== undefined || (await idInManifests(disk)) !== undefined;
  }

  /** @throws FsError NoEntry (there are no backups) | Corrupt */
  static async open(disk: Disk): Promise<Repository> {
    if (!(await Repository.isIn(disk))) throw new FsError('NoEntry', 'there are no backups');
    try {
      return new Repository(disk, await readId(disk));
    } catch (error) {
      const id = error instanceof FsError ? await idInManifests(disk) : undefined;
      if (id === undefined || !(error instanceof FsError)) throw error;
      return new Repository(disk, id, error);
    }
  }

  /** @throws FsError NotEmpty where there are other things than backups */
  static async refuseOthers(disk: Disk): Promise<void> {
    if (await Repository.isIn(disk)) return;
    const names = await disk.list('');
    const others = names.filter((name) => !NOT_OURS.includes(name) && name !== REPOSITORY + NEW);
    if (others.length === 0) return;
    const named = others.slice(0, NAMED_MAX).join(', ');
    throw new FsError(
      'NotEmpty',
      `the directory holds no backups, but ${named}: name one that is empty or does not exist`,
    );
  }

  /** Makes one where there is nothing. @throws FsError NotEmpty | Corrupt; errors of the disk */
  static async openOrMake(disk: Disk, randomBytes: (count: number) => Buffer): Promise<Repository> {
    await disk.makeDirectory('');
    if (await Repository.isIn(disk)) {
      const repository = await Repository.open(disk);
      if (repository.damage) await writeId(disk, repository.id);
      return repository;
    }
    await Repository.refuseOthers(disk);
    const id = Buffer.from(randomBytes(ID_BYTES));
    await writeId(disk, id);
    return new Repository(disk, id);
  }

  identity(kind: FileIdentity['kind'], id: BackupId): FileIdentity {
    return { kind, repository: this.id, backup: idBytes(id) };
  }

  /** Those that are complete, the oldest first. */
  async backups(): Promise<readonly BackupId[]> {
    return idsIn(this.disk);
  }

  /** @throws FsError Corrupt */
  manifest(id: BackupId): Promise<Manifest> {
    return readManifest(this.disk, manifestName(id), this.identity('manifest', id));
  }

  /** Ready for the files of a new backup. */
  async prepare(): Promise<void> {
    for (const directory of [BACKUPS, CONTAINERS]) await this.disk.makeDirectory(directory);
    await this.disk.syncDirectory('');
  }

  /** Names of files that one which was cut short left of its own; the first that it makes is among them. */
  async unfinished(): Promise<readonly string[]> {
    const complete = new Set(await this.backups());
    const names = await this.disk.list(BACKUPS);
    return names
      .filter(
        (name) =>
          name.endsWith(NEW) || (name.endsWith(METADATA) && !complete.has(name.slice(0, -METADATA.length))),
      )
      .map((name) => `${BACKUPS}/${name}`);
  }

  /** @returns bytes of the disk that those took. @throws errors of the disk */
  async removeUnfinished(): Promise<number> {
    let bytes = 0;
    for (const path of await this.unfinished()) {
      const status = await this.disk.status(path);
      if (await this.disk.unlink(path)) bytes += status?.allocatedBytes ?? 0;
    }
    return bytes;
  }

  /** From here on it is a backup. All that it names is on stable storage. @throws errors of the disk */
  async publish(id: BackupId, manifest: Manifest): Promise<void> {
    const name = manifestName(id);
    await writeManifest(this.disk, { name: name + NEW, identity: this.identity('manifest', id), manifest });
    // Its name must not be there after a power cut while that of the metadata is not.
    await this.disk.syncDirectory(BACKUPS);
    await this.disk.rename(name + NEW, name);
    await this.disk.syncDirectory(BACKUPS);
  }

  /** The manifest goes first: what is left of one that was cut short is no backup. @throws errors of the disk */
  async remove(id: BackupId): Promise<void> {
    await this.disk.unlink(manifestName(id));
    await this.disk.syncDirectory(BACKUPS);
    await this.disk.unlink(metadataName(id));
  }
}

async function idsIn(disk: Disk): Promise<readonly BackupId[]> {
  const names = await disk.list(BACKUPS);
  const ids = names.filter((name) => name.endsWith(MANIFEST)).map((name) => name.slice(0, -MANIFEST.length));
  return ids.filter((id) => ID.test(id)).toSorted();
}

/** @throws FsError Corrupt; errors of the disk */
async function readId(disk: Disk): Promise<Buffer> {
  const identity = await readIdentity(disk, { name: REPOSITORY, kind: 'repository' });
  // It holds nothing more, which is to be so.
  for await (const block of readBlocks(disk, REPOSITORY, identity))
    throw damagedFile(REPOSITORY, `it holds ${block.length} bytes`);
  return identity.repository;
}

async function writeId(disk: Disk, repository: Buffer): Promise<void> {
  const identity: FileIdentity = { kind: 'repository', repository, backup: NONE };
  const file = await CheckedWriter.create(disk, REPOSITORY + NEW, identity);
  await file.finish().finally(() => file.close());
  await disk.rename(REPOSITORY + NEW, REPOSITORY);
  await disk.syncDirectory('');
}

/** What the newest manifest says that has a whole head. @throws errors of the disk */
async function idInManifests(disk: Disk): Promise<Buffer | undefined> {
  for (const id of (await idsIn(disk)).toReversed()) {
    try {
      const { repository, backup } = await readIdentity(disk, { name: manifestName(id), kind: 'manifest' });
      if (backup.equals(idBytes(id))) return repository;
    } catch (error) {
      if (!(error instanceof FsError)) throw error;
    }
  }
  return undefined;
}

/** Later than all others, also where the clock was set back. */
export function nextBackupId(nowMs: number, newest: BackupId | undefined): BackupId {
  const after = newest === undefined ? 0 : timeOf(newest) + 1000;
  return new Date(Math.max(nowMs, after))
    .toISOString()
    .replace(/\.\d{3}/, '')
    .replaceAll(/[-:]/g, '');
}

function timeOf(id: BackupId): number {
  return Date.parse(id.replace(/^(\d{4})(\d{2})(\d{2})T(\d{2})(\d{2})(\d{2})Z$/, '$1-$2-$3T$4:$5:$6Z'));
}

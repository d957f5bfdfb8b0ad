/** A store to back up, places to keep backups, and stores brought back from them. */

import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Engine, MemoryEngine } from '@facet/engine';
import { type Disk, LocalExtentStore, MemoryDisk, type MemoryDiskOptions, NodeDisk } from '@facet/extents';
import { onTestFinished } from 'vitest';
import {
  type BackupOptions,
  type BackupReport,
  type Core,
  type Finding,
  FsError,
  fsck,
  OpenedBackup,
  openCore,
  type RestoredContainers,
  systemEnvironment,
  type VolumeId,
} from '../../src/index.ts';
import { randomFrom } from '../random.ts';
import { type EngineKind, openRig, type Rig } from '../rig.ts';

const AT_ONCE = Number.MAX_SAFE_INTEGER;

export class Yard {
  readonly rig: Rig;
  readonly volume: VolumeId;

  private constructor(rig: Rig) {
    this.rig = rig;
    this.volume = rig.volume;
  }

  /** @param options `defer`: where clean-up is left; `extents`: where they are, if not on the machine's disk */
  static async open(
    kind: EngineKind,
    {
      defer = onTestFinished,
      ...options
    }: { readonly defer?: (work: () => Promise<void>) => void; readonly extents?: Disk } = {},
  ): Promise<Yard> {
    const rig = await openRig(kind, options);
    defer(() => rig.close());
    return new Yard(rig);
  }

  get core(): Core {
    return this.rig.core;
  }

  put(key: string, bytes: Buffer): Promise<void> {
    return put(this.core, this.volume, key, bytes);
  }

  async delete(key: string): Promise<void> {
    await this.core.objects.delete({ volume: this.volume, key: Buffer.from(key) });
  }

  backup(to: Disk, options: Partial<BackupOptions> = {}): Promise<BackupReport> {
    return this.core.backup({ to, smallFiles: [], bytesPerSecond: AT_ONCE, ...options });
  }
}

export function placeForBackups(options: Partial<MemoryDiskOptions> = {}): MemoryDisk {
  return new MemoryDisk({ random: randomFrom(5), ...options });
}

async function put(core: Core, volume: VolumeId, key: string, bytes: Buffer): Promise<void> {
  const writer = core.objects.stage({ lengthBytes: bytes.length });
  await writer.write(bytes);
  const body = await writer.finish();
  const etag = { digest: createHash('md5').update(bytes).digest(), parts: 0 };
  await core.objects.put({
    volume,
    key: Buffer.from(key),
    body,
    etag,
    properties: {},
    userMetadata: {},
  });
}

/** Those of a directory of backups, with their lengths. */
export async function filesOf(disk: Disk): Promise<ReadonlyMap<string, number>> {
  const names = ['repository'];
  for (const directory of ['backups', 'containers/00'])
    for (const name of await disk.list(directory)) names.push(`${directory}/${name}`);
  const files = new Map<string, number>();
  for (const name of names.toSorted()) {
    const status = await disk.status(name);
    if (status) files.set(name, status.sizeBytes);
  }
  return files;
}

export interface BroughtBack {
  readonly core: Core;
  readonly containers: RestoredContainers;
  put(key: string, bytes: Buffer): Promise<void>;
  read(key: string): Promise<Buffer>;
  /** Every object, by key. */
  objects(): Promise<ReadonlyMap<string, Buffer>>;
  findings(): Promise<readonly Finding[]>;
}

/** Brings a backup back to a store of its own, and opens that. */
export async function bringBack(from: Disk, options: { readonly id?: string } = {}): Promise<BroughtBack> {
  const folder = await mkdtemp(join(tmpdir(), 'facet-back-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const backup = await OpenedBackup.open({ from, ...options });
  const engine: Engine = new MemoryEngine();
  await backup.restoreMetadata(engine);
  const disk = new NodeDisk(join(folder, 'extents'));
  const containers = await backup.restoreContainers(disk);
  const core = await openCore({
    engine,
    openExtents: async (lease) => new LocalExtentStore({ disk, lease }),
    environment: systemEnvironment(),
  });
  onTestFinished(() => core.close());
  const volume = (await core.volumes.find('bucket'))?.id;
  if (volume === undefined) throw new Error('the volume was not brought back');
  return {
    core,
    containers,
    put: (key, bytes) => put(core, volume, key, bytes),
    read: (key) => read(core, volume, Buffer.from(key)),
    objects: () => objectsOf(core, volume),
    async findings() {
      await core.collector.drain();
      const extents = new LocalExtentStore({ disk, lease: () => Promise.reject(new Error('only a look')) });
      const found: Finding[] = [];
      await fsck({ engine, extents, full: true, onFinding: (finding) => found.push(finding) });
      await extents.close();
      return found;
    },
  };
}

/** Reads all of a backup, and throws it away. @returns what was found damaged; undefined when nothing was */
export async function verify(
  from: Disk,
  options: { readonly id?: string } = {},
): Promise<string | undefined> {
  try {
    const backup = await OpenedBackup.open({ from, ...options });
    await backup.restoreMetadata(new MemoryEngine());
    const { damaged } = await backup.restoreContainers(placeForBackups().mount());
    return damaged[0] && `${damaged[0].path}: ${damaged[0].reason}`;
  } catch (error) {
    if (error instanceof FsError && error.code === 'Corrupt') return error.message;
    throw error;
  }
}

export async function objectsOf(core: Core, volume: VolumeId): Promise<ReadonlyMap<string, Buffer>> {
  const { entries } = await core.objects.list({
    volume,
    prefix: Buffer.alloc(0),
    delimiter: Buffer.alloc(0),
    limit: 1000,
  });
  const found = new Map<string, Buffer>();
  for (const entry of entries) {
    if (entry.kind !== 'object') continue;
    found.set(entry.key.toString(), await read(core, volume, entry.key));
  }
  return found;
}

async function read(core: Core, volume: VolumeId, key: Buffer): Promise<Buffer> {
  const object = await core.objects.open({ volume, key });
  const chunks: Buffer[] = [];
  for await (const chunk of object.read()) chunks.push(chunk);
  object.close();
  return Buffer.concat(chunks);
}

/** A store in this process, opened as the server opens one, and what it takes of the disk. */

import { readFileSync } from 'node:fs';
import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Core, openCore, systemEnvironment, type VolumeId } from '@facet/core';
import { ColdReads, type CompactedFile, compactFile, openLmdbEngine } from '@facet/engine';
import { allocateRun, ByteReplay, type ExtentStore, LocalExtentStore, NodeDisk } from '@facet/extents';
import { Journal } from '@facet/journal';

export interface Taken {
  /** Blocks of all containers. */
  readonly extentBytes: number;
  /** LMDB's file, and what of it is in use. */
  readonly metadataFileBytes: number;
  readonly metadataBytes: number;
}

export interface BenchStore {
  readonly core: Core;
  readonly volume: VolumeId;
  taken(): Promise<Taken>;
  close(): Promise<void>;
}

const metadataOf = (directory: string): string => join(directory, 'meta');

/** @param how whether metadata that are not in memory are fetched by threads, as a server does */
export async function openStore(directory: string, how = { fetches: true }): Promise<BenchStore> {
  const metadata = metadataOf(directory);
  await mkdir(metadata, { recursive: true });
  const journal = await Journal.open({ disk: new NodeDisk(metadata) });
  const disk = new NodeDisk(join(directory, 'extents'));
  const bytes = new ByteReplay(disk);
  journal.attach(() => bytes.settle());
  const replay = bytes.replay.bind(bytes);
  const engine = await openLmdbEngine({
    path: metadata,
    ...(!how.fetches && { cold: new ColdReads({ faults: () => 0 }) }),
    journal: { journal, replay, allocate: allocateRun },
  });
  let extents: ExtentStore | undefined;
  const core = await openCore({
    engine,
    environment: systemEnvironment(),
    openExtents: async (lease) => {
      extents = new LocalExtentStore({ disk, lease, journal });
      return extents;
    },
    onFault: (fault) => process.stderr.write(`${fault.doing}: ${fault.error}\n`),
  });
  const found = await core.volumes.find('bench');
  if (!found) await core.accounts.create({ name: 'bench' });
  const volume = found ?? (await core.volumes.create({ name: 'bench', owner: 'bench' }));
  return {
    core,
    volume: volume.id,
    taken: async () => {
      const containers = (await extents?.list()) ?? [];
      const { size } = await stat(join(metadata, 'data.mdb'));
      return {
        extentBytes: containers.reduce((sum, { allocatedBytes }) => sum + allocatedBytes, 0),
        metadataFileBytes: size,
        metadataBytes: size - (await engine.spareBytes()),
      };
    },
    close: () => core.close(),
  };
}

/** As `facet compact --metadata` does. */
export async function compactMetadata(directory: string): Promise<CompactedFile> {
  const path = metadataOf(directory);
  const journal = await Journal.open({ disk: new NodeDisk(path) });
  try {
    return await compactFile({ path, journal });
  } finally {
    await journal.close();
  }
}

/** Memory of this process that no file stands behind. */
export function anonymousBytes(): number {
  const [, kibibytes] = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8')) ?? [];
  return Number(kibibytes) * 1024;
}

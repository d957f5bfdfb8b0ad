/** A core to test with: either engine, over extents in a temporary directory. */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Engine, MemoryEngine, openLmdbEngine } from '@facet/engine';
import { type Disk, LocalExtentStore, NodeDisk } from '@facet/extents';
import { type Core, openCore, systemEnvironment, type VolumeId } from '../src/index.ts';

export type EngineKind = 'memory' | 'lmdb';
export const ENGINES: readonly EngineKind[] = ['memory', 'lmdb'];

export interface Rig {
  readonly core: Core;
  readonly engine: Engine;
  readonly volume: VolumeId;
  readonly folder: string;
  close(): Promise<void>;
}

async function openEngine(kind: EngineKind, folder: string): Promise<Engine> {
  if (kind === 'lmdb') return openLmdbEngine({ path: join(folder, 'meta'), mapSizeBytes: 1 << 30 });
  let commits = 0;
  // Every fifth commit conflicts, so that each command runs more than once now and then.
  return new MemoryEngine({
    injectConflict: () => {
      commits += 1;
      return commits % 5 === 0;
    },
  });
}

/** @param options `extents`: where they are, if not in the folder */
export async function openRig(kind: EngineKind, options: { readonly extents?: Disk } = {}): Promise<Rig> {
  const folder = await mkdtemp(join(tmpdir(), 'facet-core-'));
  const engine = await openEngine(kind, folder);
  const disk = options.extents ?? new NodeDisk(join(folder, 'extents'));
  const core = await openCore({
    engine,
    openExtents: async (lease) => new LocalExtentStore({ disk, lease }),
    environment: systemEnvironment(),
  });
  await core.accounts.create({ name: 'tester' });
  const volume = await core.volumes.create({ name: 'bucket', owner: 'tester' });
  return {
    core,
    engine,
    folder,
    volume: volume.id,
    async close() {
      await core.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

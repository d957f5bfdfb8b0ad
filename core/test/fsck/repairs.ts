/** Repairs of a store, and what can be read of it. */

import { strayFiles } from '@facet/extents';
import type { Finding } from '../../src/fsck/findings.ts';
import { type Repaired, type RepairParts, repair } from '../../src/fsck/repair.ts';
import type { World } from '../space/world.ts';

interface Done {
  readonly left: readonly Finding[];
  readonly repaired: readonly Repaired[];
}

export async function repairOf(
  { life, disk }: World,
  how: Pick<RepairParts, 'dryRun' | 'findingsHeldMax' | 'onProgress'> = {},
): Promise<Done> {
  const { engine, extents, environment } = life;
  const left: Finding[] = [];
  const repaired: Repaired[] = [];
  await repair({
    engine,
    extents,
    environment,
    full: true,
    onFinding: (finding) => left.push(finding),
    onRepaired: (one) => repaired.push(one),
    strays: () => strayFiles(disk.mount()),
    setAside: async (path) => ((await disk.mount().unlink(path)) ? undefined : 'it is not there'),
    ...how,
  });
  return { left, repaired };
}

/** Each object that can be read, and its bytes. */
export async function readable(store: World): Promise<ReadonlyMap<string, string>> {
  const objects = new Map<string, string>();
  const { life, volume } = store;
  const keys: string[] = [];
  try {
    const all = { volume, prefix: Buffer.alloc(0), delimiter: Buffer.alloc(0), limit: 1_000 };
    for (const entry of (await life.objects.list(all)).entries)
      if (entry.kind === 'object') keys.push(entry.key.toString());
  } catch {
    return objects;
  }
  for (const key of keys) {
    const bytes = await store.get(key).catch(() => undefined);
    if (bytes) objects.set(key, bytes.toString('base64'));
  }
  return objects;
}

export const kindsOf = (findings: readonly Finding[]) =>
  [...new Set(findings.map(({ kind }) => kind))].toSorted();

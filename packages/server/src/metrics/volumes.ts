/** What the volumes hold. */

import { type Core, FsError, type Volume } from '@facet/core';
import { type Family, gauge, type Point } from './families.ts';

/** Each is two series or more, and a read: of more volumes than this, those that come first by name are told. */
const VOLUMES_MAX = 200;
/** Between these others get their turn. */
const READS_AT_ONCE = 20;

export async function volumeFamilies({ volumes: view }: Pick<Core, 'volumes'>): Promise<readonly Family[]> {
  const { volumes, truncated } = await view.list({ limit: VOLUMES_MAX });
  const bytes: Point[] = [];
  const inodes: Point[] = [];
  const quotas: Point[] = [];
  for (const [at, volume] of volumes.entries()) {
    if (at > 0 && at % READS_AT_ONCE === 0) await turn();
    const usage = await usageOf(view, volume);
    if (usage === undefined) continue;
    const labels = { volume: volume.name };
    bytes.push([usage.bytes, labels]);
    inodes.push([usage.inodes, labels]);
    if (volume.quota?.bytes !== undefined) quotas.push([volume.quota.bytes, labels]);
  }
  return [
    gauge(
      { name: 'facet_volume_bytes', help: 'Logical bytes that a volume holds: the sum of its sizes.' },
      ...bytes,
    ),
    gauge({ name: 'facet_volume_inodes', help: 'Files, directories and links of a volume.' }, ...inodes),
    gauge(
      {
        name: 'facet_volume_quota_bytes',
        help: 'Logical bytes that a volume may hold; absent without a quota.',
      },
      ...quotas,
    ),
    gauge(
      {
        name: 'facet_volumes_left_out',
        help: `1 where there are more volumes than the ${VOLUMES_MAX} that are told of.`,
      },
      [truncated ? 1 : 0],
    ),
  ];
}

/** Undefined: it was deleted meanwhile. */
async function usageOf(view: Core['volumes'], { id }: Volume) {
  try {
    return await view.usage(id);
  } catch (error) {
    if (error instanceof FsError && error.code === 'NoSuchVolume') return undefined;
    throw error;
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}

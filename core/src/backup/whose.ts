import type { CommandRunner } from '../commands/command.ts';
import { EXTENT_RECORDS } from '../contents/extentRecords.ts';
import type { AffectedObject } from '../fsck/findings.ts';
import { objectsOf } from '../fsck/referrers.ts';
import { Maxima } from '../fsck/store.ts';
import { checkVolumes } from '../fsck/volumes.ts';
import { contentOfKey, spaceBounds } from '../meta/keys.ts';
import { metadataFor } from '../scrub/scrub.ts';
import { wholeRun } from '../space/frames.ts';
import type { SuspiciousRun } from './manifest.ts';

export interface DamagedRun extends SuspiciousRun {
  /** Whose bytes they are, as far as names stayed where they were while that was looked for. */
  readonly objects: readonly AffectedObject[];
}

/**
 * Those runs that anything refers to, with whose bytes they are. The others are given back at this moment, or wait for it,
 * and may read as anything.
 * @throws FsError Failed | Closed
 */
export async function referredRuns(
  commands: Pick<CommandRunner, 'read'>,
  runs: readonly SuspiciousRun[],
): Promise<readonly DamagedRun[]> {
  if (runs.length === 0) return [];
  const ofContainer = Map.groupBy(runs, ({ container }) => container);
  const contents = new Map<SuspiciousRun, Set<number>>();
  const store = metadataFor(commands);
  for (const { space, partOf } of EXTENT_RECORDS) {
    for await (const { key, value } of store.entries(spaceBounds(space))) {
      const part = partOf(value);
      if (!part) continue;
      const extent = wholeRun(part.location);
      for (const run of ofContainer.get(extent.container) ?? []) {
        const apart = run.offset >= extent.offset + extent.length || extent.offset >= run.offset + run.length;
        if (!apart) contents.set(run, (contents.get(run) ?? new Set()).add(contentOfKey(key)));
      }
    }
  }
  if (contents.size === 0) return [];
  const layers = await checkVolumes({ store, maxima: new Maxima(), report: () => undefined });
  const objects = await objectsOf(
    { store, layers },
    new Set([...contents.values()].flatMap((of) => [...of])),
  );
  return [...contents].map(([run, of]) => ({
    ...run,
    objects: [...of].flatMap((content) => objects.get(content) ?? []),
  }));
}

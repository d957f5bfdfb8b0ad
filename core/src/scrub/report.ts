import type { AffectedObject } from '../fsck/findings.ts';
import { objectsOf } from '../fsck/referrers.ts';
import { Maxima } from '../fsck/store.ts';
import { checkVolumes } from '../fsck/volumes.ts';
import { type ContainerKind, withKinds } from '../space/containerKinds.ts';
import { type DamagedBytes, metadataFor, type Scrubbed, type ScrubParts, scrub } from './scrub.ts';

export interface ScrubReport extends Omit<Scrubbed, 'damaged'> {
  readonly damaged: readonly (DamagedBytes & {
    /** Where the file is there. */
    readonly kind?: ContainerKind;
    /** Whose bytes they are, as far as names stayed where they were while that was looked for. */
    readonly objects: readonly AffectedObject[];
  })[];
}

/** Scrubs, and finds out whose bytes are damaged. @throws FsError Failed | Closed */
export async function scrubAndName(parts: ScrubParts): Promise<ScrubReport> {
  const { damaged, ...scrubbed } = await scrub(parts);
  if (damaged.length === 0) return { ...scrubbed, damaged: [] };
  const store = metadataFor(parts.commands);
  // What else is wrong is for fsck to tell.
  const layers = await checkVolumes({ store, maxima: new Maxima(), report: () => undefined });
  const objects = await objectsOf({ store, layers }, new Set(damaged.map(({ content }) => content)));
  return {
    ...scrubbed,
    damaged: (await withKinds(parts.extents, damaged)).map((one) => ({
      ...one,
      objects: objects.get(one.content) ?? [],
    })),
  };
}

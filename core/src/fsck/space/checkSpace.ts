/** Containers against the metadata: every byte has one owner or none, and frames are whose they should be. */

import { containerName } from '@facet/extents';
import { containerOfRunKey, offsetOfRunKey, SPACE, spaceBounds } from '../../meta/keys.ts';
import { decodeContainer, decodeDeadRun } from '../../meta/records/space.ts';
import { CONTAINER_IDS } from '../../recovery/leases.ts';
import { type Inspection, readable } from '../store.ts';
import { type Claim, claimBatches } from './claims.ts';
import { Container } from './container.ts';
import { CONTAINERS, type SpaceCheck } from './spaceCheck.ts';
import { reportStrays } from './strays.ts';

export interface SpaceCounts {
  readonly containers: number;
  /** Frames that contents map. */
  readonly frames: number;
  /** Of data, read and compared with its checksums. */
  readonly bytes: number;
}

/** Of the containers all are held in memory, of what is said of them a batch. */
export async function checkSpace(inspection: Inspection, check: SpaceCheck): Promise<SpaceCounts> {
  const { maxima, store } = inspection;
  for await (const entry of store.entries(spaceBounds(SPACE.container))) {
    const what = `record of container ${containerOf(entry.key)}`;
    readable(inspection, entry, { what, where: CONTAINERS, decode: decodeContainer });
  }
  for await (const entry of store.entries(spaceBounds(SPACE.deadRun))) {
    const what = `dead run at ${offsetOfRunKey(entry.key)} of container ${containerOf(entry.key)}`;
    readable(inspection, entry, { what, where: CONTAINERS, decode: decodeDeadRun });
  }
  const infos = (await check.extents.list()).toSorted((a, b) => a.container - b.container);
  for (const { container } of infos) maxima.note(CONTAINER_IDS, container);
  const counts = { containers: 0, frames: 0, bytes: 0 };
  const progress = { bytes: 0, bytesExpected: infos.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) };
  const missing = new Set<number>();
  let next = 0;
  for await (const { end, claims } of claimBatches(inspection, check.claimsPerBatch)) {
    const known = new Set<number>();
    for (let info = infos[next]; info && info.container < end; next += 1, info = infos[next]) {
      known.add(info.container);
      const ofIt = claims.get(info.container) ?? [];
      const one = new Container(inspection, check, info);
      const beside = infos[next + 1]?.container === info.container ? infos[next + 1] : undefined;
      if (beside) next += 1;
      const container = beside ? await oneOfTwo(one, new Container(inspection, check, beside), ofIt) : one;
      counts.containers += 1;
      counts.frames += await container.check(ofIt);
      counts.bytes += container.bytesRead;
      progress.bytes += info.sizeBytes + (beside?.sizeBytes ?? 0);
      check.onProgress?.(progress);
    }
    for (const [container, ofIt] of claims) {
      maxima.note(CONTAINER_IDS, container);
      if (!known.has(container) && reportMissing(inspection, container, ofIt)) missing.add(container);
    }
  }
  if (check.strays) reportStrays(inspection, { strays: await check.strays(), missing });
  return counts;
}

const containerOf = (runKey: Uint8Array): string => containerName(containerOfRunKey(runKey));

/**
 * Only bytes that are alive are missed: a container that is all dead may be gone before its records are.
 * @returns whether there are any
 */
function reportMissing({ report }: Inspection, container: number, claims: readonly Claim[]): boolean {
  const owners = new Set(claims.map((claim) => (claim.kind === 'live' ? claim.extent.content : undefined)));
  for (const owner of owners) {
    if (owner === undefined) continue;
    const place = { what: `container ${containerName(container)}`, where: CONTAINERS, contents: [owner] };
    report('containerMissing', place, `content ${owner} has bytes in it`);
  }
  return [...owners].some((owner) => owner !== undefined);
}

/**
 * Of two files of one container, of either kind, the one that has what is referred to. The other is somebody's copy of it,
 * or none of ours at all, and reads may find either.
 */
async function oneOfTwo(one: Container, other: Container, claims: readonly Claim[]): Promise<Container> {
  const ahead = (await one.framesThere(claims)) - (await other.framesThere(claims));
  // A whole copy is as good, and room in a segment can be given back.
  const isOne = ahead > 0 || (ahead === 0 && one.isSegment);
  const [right, wrong] = isOne ? [one, other] : [other, one];
  wrong.reportBeside(right);
  return right;
}

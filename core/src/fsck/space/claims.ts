/** What the metadata says of the bytes of containers: who owns them, or that nobody does. */

import { type ContainerId, containerId, type Location, type PhysicalRun } from '@facet/extents';
import { type ContentId, contentId } from '../../ids.ts';
import {
  containerOfRunKey,
  contentOfKey,
  offsetOfMapKey,
  offsetOfRunKey,
  SPACE,
  spaceBounds,
} from '../../meta/keys.ts';
import { decodeContent, decodeMapEntry } from '../../meta/records/content.ts';
import { decodeDeadRun } from '../../meta/records/space.ts';
import {
  type FrameRange,
  framesTouching,
  type OwnedExtent,
  runOfFrames,
  sameExtent,
} from '../../space/frames.ts';
import { waitingBytes } from '../queue.ts';
import { decoded, type Inspection } from '../store.ts';

/** Held in memory at a time; a few hundred bytes each. */
const CLAIMS_PER_BATCH = 1 << 18;

/**
 * - `live`: frames that a content maps.
 * - `dead`: a dead run. - `waiting`: a run in the queue whose readers may not be done.
 * - `discarded`: an extent in the queue that was never published.
 * - `left`: frames in the queue that lost some of their bytes, and may have others that are alive.
 */
export type Claim =
  | {
      readonly kind: 'live';
      readonly run: PhysicalRun;
      readonly extent: OwnedExtent;
      readonly frames: FrameRange;
    }
  | { readonly kind: 'dead'; readonly run: PhysicalRun; readonly punched: boolean }
  | { readonly kind: 'waiting' | 'discarded' | 'left'; readonly run: PhysicalRun };

export interface ClaimBatch {
  /** Containers from `first` on and before `end`. */
  readonly first: number;
  readonly end: number;
  /** In order of place within each container. */
  readonly claims: ReadonlyMap<ContainerId, readonly Claim[]>;
}

/** All claims, containers in ascending order, in batches each of which is a walk through the metadata. */
export async function* claimBatches(
  inspection: Inspection,
  claimsPerBatch = CLAIMS_PER_BATCH,
): AsyncGenerator<ClaimBatch> {
  for (let first = 0; first < Number.POSITIVE_INFINITY; ) {
    let end = Number.POSITIVE_INFINITY;
    let claims: Claim[] = [];
    let room = claimsPerBatch;
    for await (const claim of allClaims(inspection)) {
      const { container } = claim.run;
      if (container < first || container >= end) continue;
      claims.push(claim);
      if (claims.length <= room) continue;
      const before = cutOff(claims);
      end = before ?? end;
      claims = claims.filter(({ run }) => run.container < end);
      room = Math.max(claimsPerBatch, 2 * claims.length);
    }
    claims.sort((a, b) => a.run.offset - b.run.offset || a.run.length - b.run.length);
    yield { first, end, claims: Map.groupBy(claims, ({ run }) => run.container) };
    first = end;
  }
}

/** A container that about half of the claims come before, but never none: one container's are taken together. */
function cutOff(claims: readonly Claim[]): number | undefined {
  const containers = claims.map(({ run }) => run.container).sort((a, b) => a - b);
  const [least = 0] = containers;
  const middle = containers[containers.length >> 1] ?? 0;
  return middle > least ? middle : containers.find((container) => container > least);
}

async function* allClaims(inspection: Inspection): AsyncGenerator<Claim> {
  yield* liveClaims(inspection);
  for await (const { key, value } of inspection.store.entries(spaceBounds(SPACE.deadRun))) {
    const run = decoded(value, decodeDeadRun);
    if (!run) continue;
    const container = containerId(containerOfRunKey(key));
    const { length, punched } = run;
    yield { kind: 'dead', run: { container, offset: offsetOfRunKey(key), length }, punched };
  }
  for await (const waiting of waitingBytes(inspection)) {
    if (waiting.kind === 'runs') {
      for (const run of waiting.runs) yield { kind: 'waiting', run };
    } else if (waiting.kind === 'extent') {
      yield { kind: 'discarded', run: wholeOf(waiting.location) };
    } else {
      for (const { location, ...span } of waiting.pieces) {
        yield { kind: 'left', run: runOfFrames(location, framesTouching(span)) };
      }
    }
  }
}

const wholeOf = (location: Location): PhysicalRun =>
  runOfFrames(location, framesTouching({ start: 0, lengthBytes: location.length }));

async function* liveClaims({ store }: Inspection): AsyncGenerator<Claim> {
  for await (const { key, value } of store.entries(spaceBounds(SPACE.content))) {
    const shape = decoded(value, decodeContent)?.shape;
    if (shape?.kind !== 'single') continue;
    const content = contentId(contentOfKey(key));
    const span = { start: 0, lengthBytes: shape.location.length };
    yield liveClaim({ content, location: shape.location, fileOffset: 0 }, span);
  }
  let last: LiveClaim | undefined;
  for await (const { key, value } of store.entries(spaceBounds(SPACE.contentMap))) {
    const entry = decoded(value, decodeMapEntry);
    if (entry?.kind !== 'data') continue;
    const content: ContentId = contentId(contentOfKey(key));
    const extent = { content, location: entry.location, fileOffset: offsetOfMapKey(key) - entry.start };
    const claim = liveClaim(extent, entry);
    // Entries side by side that share a frame would claim it over and over.
    if (last && isWithin(claim, last)) continue;
    last = claim;
    yield claim;
  }
}

function liveClaim(
  extent: OwnedExtent,
  span: { readonly start: number; readonly lengthBytes: number },
): LiveClaim {
  const frames = framesTouching(span);
  return { kind: 'live', run: runOfFrames(extent.location, frames), extent, frames };
}

export type LiveClaim = Extract<Claim, { kind: 'live' }>;

function isWithin(claim: LiveClaim, other: LiveClaim): boolean {
  return (
    claim.extent.content === other.extent.content &&
    claim.extent.fileOffset === other.extent.fileOffset &&
    sameExtent(claim.extent.location, other.extent.location) &&
    claim.frames.first >= other.frames.first &&
    claim.frames.end <= other.frames.end
  );
}

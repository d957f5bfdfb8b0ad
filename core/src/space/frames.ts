/**
 * Frames of an extent, the least that is given back: a read checks a frame's header, so a frame stays whole
 * as long as a byte of it is alive.
 */

import type { Op } from '@facet/engine';
import {
  type ContainerId,
  FRAME_DATA_BYTES,
  headerLength,
  type Location,
  type PhysicalRun,
  physicalLength,
  type ScannedFrame,
} from '@facet/extents';
import { walkBack } from '../contents/mapWalk.ts';
import { mapEntries, type Span } from '../contents/plan.ts';
import { type ContentId, contentId } from '../ids.ts';
import { contentKey } from '../meta/keys.ts';
import { decodeContent } from '../meta/records/content.ts';
import type { View } from '../tree/scope.ts';

/** Frames `first` to `end` (exclusive) of an extent. */
export interface FrameRange {
  readonly first: number;
  readonly end: number;
}

/** An extent, and where its first byte lies within the content that owns it. */
export interface OwnedExtent {
  readonly content: ContentId;
  readonly location: Location;
  readonly fileOffset: number;
}

/** The frames that hold some of the extent's bytes in `span`, which has at least one. */
export function framesTouching(span: Span): FrameRange {
  return {
    first: Math.floor(span.start / FRAME_DATA_BYTES),
    end: Math.ceil((span.start + span.lengthBytes) / FRAME_DATA_BYTES),
  };
}

/** The frames that hold nothing but bytes in `span`. Empty when `end` is not after `first`. */
export function framesWithin(extent: Pick<Location, 'length'>, span: Span): FrameRange {
  const spanEnd = span.start + span.lengthBytes;
  const toTheEnd = spanEnd >= extent.length;
  return {
    first: Math.ceil(span.start / FRAME_DATA_BYTES),
    end: toTheEnd ? Math.ceil(extent.length / FRAME_DATA_BYTES) : Math.floor(spanEnd / FRAME_DATA_BYTES),
  };
}

/** Where frames of an extent lie, headers counted. */
export function runOfFrames(location: Location, frames: FrameRange): PhysicalRun {
  const stride = headerLength(location.length) + FRAME_DATA_BYTES;
  const placeOf = (frame: number): number => Math.min(frame * stride, physicalLength(location));
  const start = placeOf(frames.first);
  return {
    container: location.container,
    offset: location.offset + start,
    length: placeOf(frames.end) - start,
  };
}

/** Every frame of an extent. */
export function wholeRun(location: Location): PhysicalRun {
  return { container: location.container, offset: location.offset, length: physicalLength(location) };
}

/** The bytes of the content that a frame of its extent was written for. */
export function spanOfFrame(extent: Pick<OwnedExtent, 'location' | 'fileOffset'>, frame: number): Span {
  const start = frame * FRAME_DATA_BYTES;
  return {
    start: extent.fileOffset + start,
    lengthBytes: Math.min(FRAME_DATA_BYTES, extent.location.length - start),
  };
}

/** Whether the content still maps a byte of the frame. */
export function* frameIsMapped(view: Pick<View, 'tx'>, extent: OwnedExtent, frame: number): Op<boolean> {
  const stored = yield* view.tx.get(contentKey(extent.content));
  if (!stored) return false;
  const content = decodeContent(stored);
  const span = spanOfFrame(extent, frame);
  if (content.shape.kind === 'single') {
    return sameExtent(content.shape.location, extent.location) && span.start < content.lengthBytes;
  }
  let mapped = false;
  // Of a long frame that was written over in many places the first entries that are looked at tell, mostly.
  yield* walkBack(view, extent.content, {
    span,
    isEnough: ({ entry }) => {
      mapped = entry.kind === 'data' && sameExtent(entry.location, extent.location);
      return mapped;
    },
  });
  return mapped;
}

export function sameExtent(one: Location, other: Location): boolean {
  return one.store === other.store && one.container === other.container && one.offset === other.offset;
}

export const doOverlap = (one: PhysicalRun, other: PhysicalRun): boolean =>
  one.container === other.container &&
  one.offset < other.offset + other.length &&
  other.offset < one.offset + one.length;

/** Runs in order of place, each byte once, neighbours as one. */
export function mergeRuns(runs: readonly PhysicalRun[]): PhysicalRun[] {
  const merged: PhysicalRun[] = [];
  for (const run of [...runs].sort((a, b) => a.container - b.container || a.offset - b.offset)) {
    const last = merged.at(-1);
    if (!last || last.container !== run.container || last.offset + last.length < run.offset) {
      if (run.length > 0) merged.push(run);
      continue;
    }
    const end = Math.max(last.offset + last.length, run.offset + run.length);
    merged[merged.length - 1] = { ...last, length: end - last.offset };
  }
  return merged;
}

/** The mapped extent that a frame found on disk is part of, and which of its frames it is. */
export interface MappedFrame {
  readonly extent: OwnedExtent;
  readonly frame: number;
}

/** Whose frame this is, if a content still maps a byte of it from where it lies. */
export function* findMapping(
  view: Pick<View, 'tx'>,
  place: { readonly container: ContainerId; readonly frame: ScannedFrame },
): Op<MappedFrame | undefined> {
  const { owner } = place.frame;
  if (owner.contentId === 0) return undefined;
  const content = contentId(owner.contentId);
  const stored = yield* view.tx.get(contentKey(content));
  if (!stored) return undefined;
  const { shape, lengthBytes } = decodeContent(stored);
  if (shape.kind === 'single') {
    if (owner.fileOffset >= lengthBytes) return undefined;
    return frameOf({ content, location: shape.location, fileOffset: 0 }, place);
  }
  const span = { start: owner.fileOffset, lengthBytes: place.frame.dataLength };
  for (const { offset, entry } of yield* mapEntries(view, content, span)) {
    if (entry.kind !== 'data') continue;
    const mapped = frameOf({ content, location: entry.location, fileOffset: offset - entry.start }, place);
    if (mapped) return mapped;
  }
  return undefined;
}

/** Which frame of the extent lies at the place found, if one does and holds what was found there. */
function frameOf(
  extent: OwnedExtent,
  { container, frame: found }: { readonly container: ContainerId; readonly frame: ScannedFrame },
): MappedFrame | undefined {
  const frame = Math.floor((found.owner.fileOffset - extent.fileOffset) / FRAME_DATA_BYTES);
  if (frame < 0 || extent.location.container !== container) return undefined;
  if (frame * FRAME_DATA_BYTES >= extent.location.length) return undefined;
  const run = runOfFrames(extent.location, { first: frame, end: frame + 1 });
  const span = spanOfFrame(extent, frame);
  const same =
    run.offset === found.offset &&
    run.length === found.physicalLength &&
    span.start === found.owner.fileOffset;
  return same ? { extent, frame } : undefined;
}

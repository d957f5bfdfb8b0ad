/**
 * The collector's first phase: from what was dropped to the runs of bytes nobody refers to any more.
 *
 * It deletes maps and records while readers may still hold what they resolved from them: a reader resolves all
 * locations of a version in one snapshot, before it reads the first byte. Only the bytes must wait.
 */

import type { Op, WriteTx } from '@facet/engine';
import type { PhysicalRun } from '@facet/extents';
import type { Command } from '../commands/command.ts';
import { take } from '../commands/counter.ts';
import { dropReference, FREE_SEQUENCE, loadContent } from '../contents/bodies.ts';
import type { ContentId, UploadId } from '../ids.ts';
import { assert } from '../invariant.ts';
import { contentKey, contentMapOf, freeKey, offsetOfMapKey, partsOf, reclaimKey } from '../meta/keys.ts';
import { decodeMapEntry, type MapEntry } from '../meta/records/content.ts';
import {
  decodeFree,
  type ExtentPiece,
  encodeFree,
  encodeReclaim,
  type FreeRecord,
} from '../meta/records/space.ts';
import { decodePart } from '../meta/records/upload.ts';
import {
  frameIsMapped,
  framesTouching,
  framesWithin,
  mergeRuns,
  type OwnedExtent,
  runOfFrames,
  wholeRun,
} from './frames.ts';

/** What one record gave: `left` replaces it in the queue when there is more to do. */
interface Outcome {
  readonly steps: number;
  readonly runs: readonly PhysicalRun[];
  readonly left?: FreeRecord;
}

export interface Expansion {
  /** Records that left the queue. */
  readonly finished: number;
  /** The place in the queue of the runs found dead, if any. */
  readonly stamp?: number;
}

/**
 * Works off records of the free queue, in order, until the steps are used up. Bytes found dead wait for the
 * readers of the moment under a stamp taken in the same transaction.
 */
export const expandFreed: Command<
  { readonly sequences: readonly number[]; readonly steps: number },
  Expansion
> = {
  name: 'expandFreed',
  runsWhenFull: true,
  *run(tx, args) {
    let steps = args.steps;
    let finished = 0;
    const runs: PhysicalRun[] = [];
    for (const sequence of args.sequences) {
      if (steps <= 0) break;
      const stored = yield* tx.get(freeKey(sequence));
      if (!stored) continue;
      const outcome = yield* expand(tx, decodeFree(stored), steps);
      steps -= outcome.steps;
      runs.push(...outcome.runs);
      if (outcome.left) {
        tx.put(freeKey(sequence), encodeFree(outcome.left));
        break;
      }
      tx.delete(freeKey(sequence));
      finished += 1;
    }
    if (runs.length === 0) return { finished };
    const stamp = yield* take(tx, { name: FREE_SEQUENCE, count: 1 });
    tx.put(reclaimKey(stamp), encodeReclaim({ stamp, runs: mergeRuns(runs) }));
    return { finished, stamp };
  },
};

function* expand(tx: WriteTx, record: FreeRecord, steps: number): Op<Outcome> {
  switch (record.kind) {
    case 'content':
      return yield* expandContent(tx, record.content, steps);
    case 'pieces':
      return yield* expandPieces(tx, record, steps);
    case 'extent':
      return { steps: 1, runs: [wholeRun(record.location)] };
    case 'upload':
      return yield* expandUpload(tx, record.upload, steps);
  }
}

function* expandContent(tx: WriteTx, id: ContentId, steps: number): Op<Outcome> {
  const content = yield* loadContent({ tx }, id);
  if (content.shape.kind === 'single') {
    tx.delete(contentKey(id));
    return { steps: 1, runs: [wholeRun(content.shape.location)] };
  }
  const page = yield* tx.range({ ...contentMapOf(id), limit: steps });
  const entries = page.map(({ key, value }) => ({
    offset: offsetOfMapKey(key),
    entry: decodeMapEntry(value),
  }));
  for (const { key } of page) tx.delete(key);
  const runs: PhysicalRun[] = [];
  const frames = new FrameLooks(tx);
  for (const { offset, entry } of entries) {
    if (entry.kind === 'ref') yield* dropReference({ tx }, entry.content);
    if (entry.kind === 'data') runs.push(...(yield* unmapped(frames, extentOf(id, offset, entry), entry)));
  }
  if (page.length === steps) return { steps, runs, left: { kind: 'content', content: id } };
  tx.delete(contentKey(id));
  return { steps: page.length + 1, runs };
}

function extentOf(
  content: ContentId,
  offset: number,
  entry: Extract<MapEntry, { readonly kind: 'data' }>,
): OwnedExtent {
  return { content, location: entry.location, fileOffset: offset - entry.start };
}

function* expandPieces(
  tx: WriteTx,
  record: Extract<FreeRecord, { readonly kind: 'pieces' }>,
  steps: number,
): Op<Outcome> {
  const { content } = record;
  const pieces = record.pieces.slice(0, steps);
  const rest = record.pieces.slice(pieces.length);
  const runs: PhysicalRun[] = [];
  const frames = new FrameLooks(tx);
  for (const piece of pieces) {
    const { location, start, fileOffset } = piece;
    const extent = { content, location, fileOffset: fileOffset - start };
    yield* checkGone(frames, extent, piece);
    runs.push(...(yield* unmapped(frames, extent, piece)));
  }
  return { steps: pieces.length, runs, ...(rest.length > 0 && { left: { ...record, pieces: rest } }) };
}

/** Whether frames are still mapped, each looked up once: entries that share one may be many. */
class FrameLooks {
  readonly #tx: WriteTx;
  readonly #seen = new Map<string, boolean>();

  constructor(tx: WriteTx) {
    this.#tx = tx;
  }

  *isMapped(extent: OwnedExtent, frame: number): Op<boolean> {
    const { container, offset } = extent.location;
    const key = `${container}/${offset}/${frame}`;
    const seen = this.#seen.get(key);
    if (seen !== undefined) return seen;
    const mapped = yield* frameIsMapped({ tx: this.#tx }, extent, frame);
    this.#seen.set(key, mapped);
    return mapped;
  }
}

type Gone = Pick<ExtentPiece, 'start' | 'lengthBytes'>;

/**
 * The frames of an extent that are dead now that its bytes `gone` are no longer in the map. Those that held
 * nothing else are; the one at either end may hold bytes that the map still has.
 */
function* unmapped(frames: FrameLooks, extent: OwnedExtent, gone: Gone): Op<readonly PhysicalRun[]> {
  const { location } = extent;
  const touching = framesTouching(gone);
  const within = framesWithin(location, gone);
  const runs: PhysicalRun[] = [];
  if (within.first < within.end) runs.push(runOfFrames(location, within));
  for (const frame of new Set([touching.first, touching.end - 1])) {
    if (frame >= within.first && frame < within.end) continue;
    if (!(yield* frames.isMapped(extent, frame))) {
      runs.push(runOfFrames(location, { first: frame, end: frame + 1 }));
    }
  }
  return runs;
}

/** Frames looked at of one piece, which may be as long as the longest extent. */
const FRAMES_CHECKED_MAX = 64;

/** A content that lives on must not map what it is said to have let go: those bytes would be lost. */
function* checkGone(frames: FrameLooks, extent: OwnedExtent, gone: Gone): Op<number> {
  const { first, end } = framesWithin(extent.location, gone);
  const last = Math.min(end, first + FRAMES_CHECKED_MAX);
  for (let frame = first; frame < last; frame += 1) {
    const mapped = yield* frames.isMapped(extent, frame);
    assert(!mapped, `content ${extent.content} does not map frame ${frame} of an extent that it let go`);
  }
  return Math.max(0, last - first);
}

/** Parts that no object took, whose records completion left: each lets go of its content. */
function* expandUpload(tx: WriteTx, upload: UploadId, steps: number): Op<Outcome> {
  const page = yield* tx.range({ ...partsOf(upload), limit: steps });
  for (const { key, value } of page) {
    const { content } = decodePart(value);
    if (content !== undefined) yield* dropReference({ tx }, content);
    tx.delete(key);
  }
  const left: FreeRecord | undefined = page.length === steps ? { kind: 'upload', upload } : undefined;
  return { steps: page.length + 1, runs: [], ...(left && { left }) };
}

/**
 * Bytes that were copied take the place of those they were copied from, in one transaction a batch: each only where
 * the content still has what was copied. What is let go waits for the readers of the moment, as anything dropped does.
 */

import type { Op, WriteTx } from '@facet/engine';
import type { Location, PhysicalRun } from '@facet/extents';
import type { Command } from '../commands/command.ts';
import { take } from '../commands/counter.ts';
import { enqueueFree, FREE_SEQUENCE, storeContent } from '../contents/bodies.ts';
import { putEntry } from '../contents/editMap.ts';
import type { ContentId } from '../ids.ts';
import { contentKey, contentMapKey, reclaimKey } from '../meta/keys.ts';
import { decodeContent, decodeMapEntry, type MapEntry } from '../meta/records/content.ts';
import { type ExtentPiece, encodeReclaim } from '../meta/records/space.ts';
import { mergeRuns, sameExtent, wholeRun } from './frames.ts';

/** Bytes of a content that lie side by side in it, as they are mapped; of one that is a single extent, all of that. */
export interface Source {
  readonly content: ContentId;
  readonly from: readonly ExtentPiece[];
}

/** Where a copy of them lies, as one extent. */
export interface Move extends Source {
  readonly to: Location;
}

export interface Repointed {
  readonly moved: number;
  readonly movedBytes: number;
  /** What those that were moved lay in before. */
  readonly pieces: number;
  /** Changed since they were copied: the copies are given up. */
  readonly outdated: number;
  /** The place in the queue of what is dead, if any is. */
  readonly stamp?: number;
}

/** Refused on a full disk, where a copy is not what there is room for. */
export const repointExtents: Command<{ readonly moves: readonly Move[] }, Repointed> = {
  name: 'repointExtents',
  *run(tx, { moves }) {
    const dead: PhysicalRun[] = [];
    const pieces = new Map<ContentId, ExtentPiece[]>();
    let [moved, movedBytes, pieceCount] = [0, 0, 0];
    for (const move of moves) {
      const shape = yield* repoint(tx, move);
      if (shape === 'other') {
        dead.push(wholeRun(move.to));
        continue;
      }
      moved += 1;
      movedBytes += move.to.length;
      pieceCount += move.from.length;
      if (shape === 'single') dead.push(...move.from.map(({ location }) => wholeRun(location)));
      else pieces.set(move.content, [...(pieces.get(move.content) ?? []), ...move.from]);
    }
    // Entries may share a frame with others that stayed: the collector looks.
    for (const [content, left] of pieces)
      yield* enqueueFree({ tx }, { kind: 'pieces', content, pieces: left });
    const counts = { moved, movedBytes, pieces: pieceCount, outdated: moves.length - moved };
    if (dead.length === 0) return counts;
    const stamp = yield* take(tx, { name: FREE_SEQUENCE, count: 1 });
    tx.put(reclaimKey(stamp), encodeReclaim({ stamp, runs: mergeRuns(dead) }));
    return { ...counts, stamp };
  },
};

/** @returns the shape of the content; `other` when it has not what was copied: then nothing is done. */
function* repoint(tx: WriteTx, { content: id, from, to }: Move): Op<'single' | 'map' | 'other'> {
  const stored = yield* tx.get(contentKey(id));
  const content = stored && decodeContent(stored);
  const [first] = from;
  // One without references is on its way out.
  if (!content || content.refs === 0 || !first) return 'other';
  if (content.shape.kind === 'single') {
    const { location } = content.shape;
    if (!sameExtent(location, first.location) || location.length !== to.length) return 'other';
    storeContent({ tx }, id, { ...content, shape: { kind: 'single', location: to } });
    return 'single';
  }
  const entries: MapEntry[] = [];
  for (const piece of from) {
    const value = yield* tx.get(contentMapKey(id, piece.fileOffset));
    const entry = value && decodeMapEntry(value);
    if (!entry || !isOf(entry, piece)) return 'other';
    entries.push(entry);
  }
  const [only] = entries;
  const part = entries.length === 1 ? only?.part : undefined;
  for (const { fileOffset } of from) tx.delete(contentMapKey(id, fileOffset));
  putEntry({ tx }, id, {
    offset: first.fileOffset,
    entry: { kind: 'data', lengthBytes: to.length, start: 0, location: to, ...(part && { part }) },
  });
  return 'map';
}

function isOf(entry: MapEntry, { location, start, lengthBytes }: ExtentPiece): boolean {
  if (entry.kind !== 'data' || entry.start !== start || entry.lengthBytes !== lengthBytes) return false;
  return sameExtent(entry.location, location);
}

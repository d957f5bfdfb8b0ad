/** Changes of one content's map: entries taken away whole or in part, and what that leaves behind. */

import type { Op } from '@facet/engine';
import type { ContentId } from '../ids.ts';
import { assert } from '../invariant.ts';
import { contentMapKey } from '../meta/keys.ts';
import { encodeMapEntry, type MapEntry } from '../meta/records/content.ts';
import type { ExtentPiece } from '../meta/records/space.ts';
import type { Change, View } from '../tree/scope.ts';
import { enqueueFree, loadContent, retireContent, storeContent } from './bodies.ts';
import { walkBack } from './mapWalk.ts';
import type { PlacedEntry, Span } from './plan.ts';

/** By how much the references to each content change. */
export class ReferenceChanges {
  readonly #changes = new Map<ContentId, number>();

  add(content: ContentId, by: number): void {
    this.#changes.set(content, (this.#changes.get(content) ?? 0) + by);
  }

  /** Counts them, each content once. One without references goes to the collector. @returns how many changed */
  *apply(change: Pick<Change, 'tx'>): Op<number> {
    let changed = 0;
    for (const [id, by] of this.#changes) {
      if (by === 0) continue;
      const content = yield* loadContent(change, id);
      const refs = content.refs + by;
      assert(content.refs > 0 && refs >= 0, `content ${id} has the ${-by} references that go`);
      if (refs > 0) storeContent(change, id, { ...content, refs });
      else yield* retireContent(change, id, content);
      changed += 1;
    }
    return changed;
  }
}

/** What is no longer in a map that was. */
export interface Leftovers {
  /** Of the map. */
  readonly lengthBytes: number;
  readonly pieces: readonly ExtentPiece[];
  readonly references: ReferenceChanges;
}

export function putEntry(
  change: Pick<Change, 'tx'>,
  content: ContentId,
  { offset, entry }: { readonly offset: number; readonly entry: MapEntry },
): void {
  change.tx.put(contentMapKey(content, offset), encodeMapEntry(entry));
}

/**
 * Makes a hole of the span. Entries that reach over an end of it are cut there.
 * @param spanned `entries`: all that touch it, in order
 */
export function clearSpan(
  change: Pick<Change, 'tx'>,
  content: ContentId,
  spanned: { readonly span: Span; readonly entries: readonly PlacedEntry[] },
): Leftovers {
  const { span, entries } = spanned;
  const pieces: ExtentPiece[] = [];
  const references = new ReferenceChanges();
  let lengthBytes = 0;
  const spanEnd = span.start + span.lengthBytes;
  for (const { offset, entry } of entries) {
    const end = offset + entry.lengthBytes;
    const [from, to] = [Math.max(offset, span.start), Math.min(end, spanEnd)];
    lengthBytes += to - from;
    change.tx.delete(contentMapKey(content, offset));
    if (from > offset) {
      const head = sliceEntry(entry, { start: 0, lengthBytes: from - offset });
      putEntry(change, content, { offset, entry: head });
    }
    if (end > to) {
      const tail = sliceEntry(entry, { start: to - offset, lengthBytes: end - to });
      putEntry(change, content, { offset: to, entry: tail });
    }
    if (entry.kind === 'data') {
      const start = entry.start + from - offset;
      pieces.push({ location: entry.location, start, lengthBytes: to - from, fileOffset: from });
    }
    // Every entry counts: one that is cut in two is a reference more.
    if (entry.kind === 'ref') references.add(entry.content, (from > offset ? 1 : 0) + (end > to ? 1 : 0) - 1);
  }
  return { lengthBytes, pieces, references };
}

/** A part of an entry. It is not a part of a multipart upload any more. */
export function sliceEntry(entry: MapEntry, span: Span): MapEntry {
  const { lengthBytes } = span;
  if (entry.kind === 'inline') {
    return {
      kind: 'inline',
      lengthBytes,
      bytes: entry.bytes.subarray(span.start, span.start + lengthBytes),
    };
  }
  const start = entry.start + span.start;
  return entry.kind === 'data'
    ? { kind: 'data', lengthBytes, start, location: entry.location }
    : { kind: 'ref', lengthBytes, start, content: entry.content };
}

/** Hands what was cleared from `content` on: bytes to the collector, references to be counted. */
export function* settleLeftovers(
  change: Pick<Change, 'tx'>,
  content: ContentId,
  { pieces, references }: Leftovers,
): Op<number> {
  if (pieces.length > 0) yield* enqueueFree(change, { kind: 'pieces', content, pieces });
  yield* references.apply(change);
  return pieces.length;
}

/** The entries that touch the span, in order; undefined when they are more than `limit`. */
export function* entriesTouching(
  view: Pick<View, 'tx'>,
  content: ContentId,
  within: { readonly span: Span; readonly limit: number },
): Op<readonly PlacedEntry[] | undefined> {
  const { span, limit } = within;
  const found: PlacedEntry[] = [];
  yield* walkBack(view, content, { span, isEnough: (placed) => found.push(placed) > limit });
  return found.length > limit ? undefined : found.reverse();
}

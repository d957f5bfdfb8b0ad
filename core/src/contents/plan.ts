/** From a body to the pieces its bytes are read from. */

import type { Op } from '@facet/engine';
import type { Location } from '@facet/extents';
import { FsError } from '../errors.ts';
import type { ContentId, InodeId } from '../ids.ts';
import { assert } from '../invariant.ts';
import {
  contentMapKey,
  contentMapOf,
  counterKey,
  inlineKey,
  offsetOfMapKey,
  successor,
} from '../meta/keys.ts';
import { type Content, decodeMapEntry, type MapEntry } from '../meta/records/content.ts';
import type { BodyRef } from '../meta/records/inode.ts';
import { decodeNumber } from '../meta/records/volume.ts';
import type { View } from '../tree/scope.ts';
import { FREE_SEQUENCE, loadContent } from './bodies.ts';

/** `lengthBytes` bytes, in order, of one body. */
export type Piece = { readonly lengthBytes: number } & (
  | { readonly kind: 'hole' }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'extent'; readonly location: Location; readonly start: number }
);

/** A part of a body: `start`, and how many bytes from there. */
export interface Span {
  readonly start: number;
  readonly lengthBytes: number;
}

const MAP_ENTRIES_PER_READ = 1000;
/** Clients write as much at a time as the file doors offer, from multiples of that on. */
const USUAL_ENTRY_BYTES = 1 << 20;

const FREE_SEQUENCE_KEY = counterKey(FREE_SEQUENCE);

/** The free sequence of this snapshot: what a reader of it pins. */
export function* freeSequence(view: Pick<View, 'tx'>): Op<number> {
  const stored = yield* view.tx.get(FREE_SEQUENCE_KEY);
  return stored ? decodeNumber(stored) - 1 : 0;
}

/** An entry of a map, and where in the content it begins. */
export interface PlacedEntry {
  readonly offset: number;
  readonly entry: MapEntry;
}

/** Map entries that touch the span, each with its offset, in order. */
export function* mapEntries(
  view: Pick<View, 'tx'>,
  content: ContentId,
  span: Span,
): Op<readonly PlacedEntry[]> {
  const { tx } = view;
  const usual = yield* usualEntry(view, content, span);
  if (usual) return [usual];
  const bounds = contentMapOf(content);
  const found: PlacedEntry[] = [];
  const end = contentMapKey(content, span.start + span.lengthBytes);
  const [before] = yield* tx.range({
    start: bounds.start,
    end: successor(contentMapKey(content, span.start)),
    limit: 1,
    reverse: true,
  });
  let from = contentMapKey(content, span.start);
  if (before) {
    const offset = offsetOfMapKey(before.key);
    const entry = decodeMapEntry(before.value);
    const entryEnd = offset + entry.lengthBytes;
    if (entryEnd > span.start) found.push({ offset, entry });
    if (entryEnd >= span.start + span.lengthBytes) return found;
    from = successor(before.key);
  }
  for (;;) {
    const page = yield* tx.range({ start: from, end, limit: MAP_ENTRIES_PER_READ });
    for (const { key, value } of page)
      found.push({ offset: offsetOfMapKey(key), entry: decodeMapEntry(value) });
    const last = page.at(-1);
    if (page.length < MAP_ENTRIES_PER_READ || !last) return found;
    from = successor(last.key);
  }
}

/**
 * The entry that holds all of the span, if it lies where it does as a rule: entries do not overlap, so there is no
 * other. To get one takes a tenth of the time that a walk backwards does.
 */
function* usualEntry(view: Pick<View, 'tx'>, content: ContentId, span: Span): Op<PlacedEntry | undefined> {
  const offset = span.start - (span.start % USUAL_ENTRY_BYTES);
  const inEntry = span.start - offset;
  if (span.lengthBytes === 0 || inEntry + span.lengthBytes > USUAL_ENTRY_BYTES) return undefined;
  const stored = yield* view.tx.get(contentMapKey(content, offset));
  if (!stored) return undefined;
  const entry = decodeMapEntry(stored);
  return entry.lengthBytes >= inEntry + span.lengthBytes ? { offset, entry } : undefined;
}

/**
 * Of a place where no entry of its map is.
 * @throws FsError Corrupt where there must be one
 */
export function mustBeHole(
  id: ContentId,
  { lengthBytes, mappedBytes }: Content,
  { start, lengthBytes: missing }: Span,
): void {
  if (mappedBytes !== lengthBytes) return;
  const end = start + missing - 1;
  throw new FsError(
    'Corrupt',
    `content ${id} has no hole, and no entry of its map is of bytes ${start} to ${end}`,
  );
}

/** The pieces of `span` of a content. The span lies within it. @throws FsError Corrupt */
function* planContent(view: Pick<View, 'tx'>, id: ContentId, span: Span): Op<readonly Piece[]> {
  if (span.lengthBytes === 0) return [];
  const content = yield* loadContent(view, id);
  assert(span.start + span.lengthBytes <= content.lengthBytes, () => `content ${id} is long enough`);
  if (content.shape.kind === 'single') {
    return [
      { kind: 'extent', location: content.shape.location, start: span.start, lengthBytes: span.lengthBytes },
    ];
  }
  const pieces: Piece[] = [];
  const end = span.start + span.lengthBytes;
  let at = span.start;
  for (const { offset, entry } of yield* mapEntries(view, id, span)) {
    if (offset > at) pieces.push(holeOf({ id, content }, { start: at, lengthBytes: offset - at }));
    const from = Math.max(offset, span.start);
    const to = Math.min(offset + entry.lengthBytes, end);
    const slice = { start: from - offset, lengthBytes: to - from };
    if (entry.kind === 'ref') {
      const start = entry.start + slice.start;
      const referred = { start, lengthBytes: slice.lengthBytes };
      // One by one: there may be more than a call has arguments.
      for (const piece of yield* planContent(view, entry.content, referred)) pieces.push(piece);
    } else if (entry.kind === 'data') {
      const start = entry.start + slice.start;
      pieces.push({ kind: 'extent', location: entry.location, start, lengthBytes: slice.lengthBytes });
    } else {
      const bytes = entry.bytes.subarray(slice.start, slice.start + slice.lengthBytes);
      pieces.push({ kind: 'bytes', bytes, lengthBytes: bytes.length });
    }
    at = to;
  }
  if (at < end) pieces.push(holeOf({ id, content }, { start: at, lengthBytes: end - at }));
  return pieces;
}

/** @throws FsError Corrupt where there is none */
function holeOf({ id, content }: { readonly id: ContentId; readonly content: Content }, span: Span): Piece {
  mustBeHole(id, content, span);
  return { kind: 'hole', lengthBytes: span.lengthBytes };
}

/** The pieces of `span` of an inode's body. The span lies within it. @throws FsError Corrupt */
export function* planBody(
  view: View,
  owner: { readonly inode: InodeId; readonly body: BodyRef },
  span: Span,
): Op<readonly Piece[]> {
  const { body } = owner;
  if (span.lengthBytes === 0) return [];
  if (body.kind === 'content') return yield* planContent(view, body.content, span);
  // A body without bytes is as long as truncation made it: all hole.
  if (body.kind === 'empty') return [{ kind: 'hole', lengthBytes: span.lengthBytes }];
  const bytes = yield* view.tx.get(inlineKey(view.layer, owner.inode));
  assert(bytes !== undefined, () => `inode ${owner.inode} has its inline bytes`);
  const slice = bytes.subarray(span.start, span.start + span.lengthBytes);
  const hole = span.lengthBytes - slice.length;
  const pieces: Piece[] = [];
  if (slice.length > 0) pieces.push({ kind: 'bytes', bytes: slice, lengthBytes: slice.length });
  if (hole > 0) pieces.push({ kind: 'hole', lengthBytes: hole });
  return pieces;
}

/**
 * Changes of part of a body: overwritten, cut, made longer. New bytes are stored before, elsewhere, and the map is
 * pointed at them; what it pointed at goes to the collector.
 *
 * A content is changed in place while one inode alone refers to it. A sealed one (shared with a copy or with other
 * contents) is referred to by a new content instead, and so is one where too many entries would have to go at once.
 */

import type { Op } from '@facet/engine';
import type { Location } from '@facet/extents';
import type { ContentId, InodeId } from '../ids.ts';
import { assert } from '../invariant.ts';
import { inlineKey } from '../meta/keys.ts';
import type { Content, MapEntry } from '../meta/records/content.ts';
import { type BodyRef, bodyAt } from '../meta/records/inode.ts';
import type { Change, View } from '../tree/scope.ts';
import { dropBody, loadContent, newContentId, storeContent } from './bodies.ts';
import { clearSpan, entriesTouching, putEntry, settleLeftovers } from './editMap.ts';
import { takeOver } from './editRefer.ts';
import type { PlacedEntry, Span } from './plan.ts';
import { INLINE_BYTES_MAX } from './staging.ts';

/** More map entries than these are not taken away in one transaction. */
export const EDIT_ENTRIES_MAX = 1000;

/** Whose body: its length is the inode's, which a content's always equals. */
export interface BodyOwner {
  readonly inode: InodeId;
  readonly body: BodyRef;
  readonly sizeBytes: number;
}

/**
 * As long as the span they replace. The frames of an extent say `content`, at the span's start: the content there
 * is, or one that does not exist yet.
 */
type NewBytes =
  | { readonly kind: 'inline'; readonly bytes: Uint8Array }
  | {
      readonly kind: 'extent';
      readonly content: ContentId;
      readonly isNew: boolean;
      readonly location: Location;
    };

export interface Edit {
  /** What is there is forgotten; without bytes it becomes a hole. */
  readonly span: Span;
  readonly bytes?: NewBytes;
  /** Of the body afterwards. */
  readonly lengthBytes: number;
}

/** Where the new bytes of an edit belong: in the metadata, or in an extent under this content's or a new one's id. */
export type Destination =
  | { readonly kind: 'inline' }
  /** With what the map has there; a content without a map is one entry. */
  | {
      readonly kind: 'content';
      readonly content: ContentId;
      readonly record: Content;
      readonly entries: readonly PlacedEntry[];
    }
  | { readonly kind: 'new' };

export function* destinationOf(view: View, owner: BodyOwner, edit: Omit<Edit, 'bytes'>): Op<Destination> {
  const { body } = owner;
  if (body.kind !== 'content') return { kind: edit.lengthBytes <= INLINE_BYTES_MAX ? 'inline' : 'new' };
  const record = yield* loadContent(view, body.content);
  if (record.refs > 1) return { kind: 'new' };
  const entries = yield* entriesIn(view, { id: body.content, record }, edit.span);
  return entries ? { kind: 'content', content: body.content, record, entries } : { kind: 'new' };
}

/** Undefined when they are too many to be taken away. */
function* entriesIn(
  view: View,
  content: { readonly id: ContentId; readonly record: Content },
  span: Span,
): Op<readonly PlacedEntry[] | undefined> {
  const { id, record } = content;
  if (record.shape.kind === 'map') return yield* entriesTouching(view, id, { span, limit: EDIT_ENTRIES_MAX });
  const touches = span.lengthBytes > 0 && span.start < record.lengthBytes;
  return touches ? [{ offset: 0, entry: wholeOf(record, record.shape.location) }] : [];
}

function wholeOf({ lengthBytes }: Content, location: Location): MapEntry {
  return { kind: 'data', lengthBytes, start: 0, location };
}

/**
 * Carries an edit out. The caller stores the body and the length in the inode.
 * @returns undefined when the bytes are not where they belong (any more): then nothing has been done.
 */
export function* editBody(change: Change, owner: BodyOwner, edit: Edit): Op<BodyRef | undefined> {
  const { body } = owner;
  if (edit.lengthBytes === 0) return yield* dropBody(change, owner);
  // What a shorter or longer body leaves of inline bytes is inline, whatever the length: the rest is a hole.
  if (!edit.bytes && body.kind !== 'content') return yield* editInline(change, owner, edit);
  const destination = yield* destinationOf(change, owner, edit);
  if (edit.bytes && !belongs(edit.bytes, destination)) return undefined;
  switch (destination.kind) {
    case 'inline':
      return yield* editInline(change, owner, edit);
    case 'content':
      return yield* editInPlace(change, destination, edit);
    case 'new':
      return yield* rebuild(change, owner, edit);
  }
}

function belongs(bytes: NewBytes, destination: Destination): boolean {
  if (bytes.kind === 'inline') return destination.kind === 'inline';
  if (bytes.isNew) return destination.kind === 'new';
  return destination.kind === 'content' && bytes.content === destination.content;
}

/** Gives a body a content of its own that later edits change in place. Its bytes stay what they are. */
export function* ownContent(change: Change, owner: BodyOwner): Op<ContentId> {
  const edit = { span: { start: owner.sizeBytes, lengthBytes: 0 }, lengthBytes: owner.sizeBytes };
  const body = yield* rebuild(change, owner, edit);
  assert(body.kind === 'content', 'what was rebuilt has a content');
  return body.content;
}

function* editInline(change: Change, owner: BodyOwner, edit: Edit): Op<BodyRef> {
  const { inode, body } = owner;
  const { span, bytes, lengthBytes } = edit;
  const key = inlineKey(change.layer, inode);
  const stored = body.kind === 'inline' ? yield* change.tx.get(key) : Buffer.alloc(0);
  assert(stored !== undefined, `inode ${inode} has its inline bytes`);
  const kept = stored.subarray(0, lengthBytes);
  if (!bytes) {
    if (kept.length === 0) return yield* dropBody(change, owner);
    change.tx.put(key, kept);
    return { kind: 'inline' };
  }
  assert(bytes.kind === 'inline', 'bytes that go inline are at hand');
  const next = Buffer.alloc(Math.max(kept.length, span.start + span.lengthBytes));
  next.set(kept);
  next.set(bytes.bytes, span.start);
  change.tx.put(key, next);
  return { kind: 'inline' };
}

function* editInPlace(
  change: Change,
  { content: id, record, entries }: Extract<Destination, { readonly kind: 'content' }>,
  edit: Edit,
): Op<BodyRef> {
  const { span, bytes, lengthBytes } = edit;
  const { shape } = record;
  assert(record.refs === 1, `content ${id} is its inode's alone`);
  if (shape.kind === 'single') putEntry(change, id, { offset: 0, entry: wholeOf(record, shape.location) });
  const leftovers = clearSpan(change, id, { span, entries });
  putBytes(change, id, { span, bytes });
  const selfContained = shape.kind === 'single' || record.selfContained === true;
  const before = shape.kind === 'single' ? record.lengthBytes : record.mappedBytes;
  const added = (bytes ? span.lengthBytes : 0) - leftovers.lengthBytes;
  const mappedBytes = before === undefined ? undefined : mapped(before + added, lengthBytes);
  const stays =
    shape.kind === 'map' &&
    record.lengthBytes === lengthBytes &&
    record.mappedBytes === mappedBytes &&
    !record.hasParts;
  if (!stays) storeContent(change, id, mapContent(lengthBytes, { selfContained, mappedBytes }));
  yield* settleLeftovers(change, id, leftovers);
  return { kind: 'content', content: id };
}

/** A new content for the body: the new bytes are its own, the rest it takes over. */
function* rebuild(change: Change, owner: BodyOwner, edit: Edit): Op<BodyRef> {
  const { span, bytes, lengthBytes } = edit;
  const id = bytes?.kind === 'extent' ? bytes.content : yield* newContentId(change);
  const spans = keptSpans(owner, edit);
  if (bytes?.kind === 'extent' && span.start === 0 && span.lengthBytes === lengthBytes) {
    yield* dropBody(change, owner);
    const shape = { kind: 'single', location: bytes.location } as const;
    storeContent(change, id, { refs: 1, lengthBytes, shape, hasParts: false });
    return bodyAt(id, bytes.location);
  }
  const { selfContained, mappedBytes } = yield* takeOver(change, owner, { to: id, spans });
  putBytes(change, id, { span, bytes });
  const all = mappedBytes + (bytes ? span.lengthBytes : 0);
  storeContent(change, id, mapContent(lengthBytes, { selfContained, mappedBytes: all }));
  return { kind: 'content', content: id };
}

/** What is written where an entry was lost counts as if it came on top of that. Less than nothing: it was wrong before. */
function mapped(counted: number, lengthBytes: number): number | undefined {
  return counted < 0 ? undefined : Math.min(counted, lengthBytes);
}

function mapContent(
  lengthBytes: number,
  {
    selfContained,
    mappedBytes,
  }: { readonly selfContained: boolean; readonly mappedBytes: number | undefined },
): Content {
  return {
    ...{ refs: 1, lengthBytes, shape: { kind: 'map' }, hasParts: false },
    ...(selfContained && { selfContained }),
    ...(mappedBytes !== undefined && { mappedBytes }),
  };
}

function putBytes(
  change: Change,
  id: ContentId,
  { span, bytes }: { readonly span: Span; readonly bytes: NewBytes | undefined },
): void {
  if (!bytes) return;
  assert(bytes.kind === 'extent', 'the bytes of a content lie in an extent');
  const { location } = bytes;
  assert(location.length === span.lengthBytes, 'new bytes are as long as the span they replace');
  const entry = { kind: 'data', lengthBytes: span.lengthBytes, start: 0, location } as const;
  putEntry(change, id, { offset: span.start, entry });
}

/** What of the old body is there afterwards. */
function keptSpans(owner: BodyOwner, { span, lengthBytes }: Edit): readonly Span[] {
  const end = Math.min(owner.sizeBytes, lengthBytes);
  const before = { start: 0, end: Math.min(span.start, end) };
  const after = { start: Math.min(span.start + span.lengthBytes, end), end };
  return [before, after]
    .filter((part) => part.end > part.start)
    .map((part) => ({ start: part.start, lengthBytes: part.end - part.start }));
}

/** A walk through the entries of one content's map that ends as soon as whoever walks knows enough. */

import type { Op } from '@facet/engine';
import type { ContentId } from '../ids.ts';
import { contentMapKey, offsetOfMapKey } from '../meta/keys.ts';
import { decodeMapEntry } from '../meta/records/content.ts';
import type { View } from '../tree/scope.ts';
import type { PlacedEntry, Span } from './plan.ts';

const FIRST_READ = 1;
const GROWTH = 8;
const ENTRIES_PER_READ_MAX = 512;

/**
 * Shows the entries that touch the span, the last first: so the one that reaches into it from before needs no look of
 * its own.
 * @param isEnough ends the walk by true
 * @returns whether it did
 */
export function* walkBack(
  view: Pick<View, 'tx'>,
  content: ContentId,
  within: { readonly span: Span; readonly isEnough: (placed: PlacedEntry) => boolean },
): Op<boolean> {
  const { span, isEnough } = within;
  if (span.lengthBytes === 0) return false;
  // Most walks end here: a block that is written again is one entry, and to get one costs a fifth of a range.
  const there = yield* view.tx.get(contentMapKey(content, span.start));
  if (there) {
    const placed = { offset: span.start, entry: decodeMapEntry(there) };
    if (placed.entry.lengthBytes >= span.lengthBytes) return isEnough(placed);
  }
  const start = contentMapKey(content, 0);
  let end = contentMapKey(content, span.start + span.lengthBytes);
  for (let limit = FIRST_READ; ; limit = Math.min(limit * GROWTH, ENTRIES_PER_READ_MAX)) {
    const page = yield* view.tx.range({ start, end, limit, reverse: true });
    for (const { key, value } of page) {
      const offset = offsetOfMapKey(key);
      const entry = decodeMapEntry(value);
      if (offset + entry.lengthBytes <= span.start) return false;
      // No two entries overlap: what begins before this one ends before the span.
      if (isEnough({ offset, entry })) return true;
      if (offset <= span.start) return false;
    }
    const first = page.at(-1);
    if (first === undefined || page.length < limit) return false;
    end = Buffer.from(first.key);
  }
}

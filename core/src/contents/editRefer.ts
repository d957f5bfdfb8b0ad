/**
 * A new content that takes over spans of an old body without moving bytes: inline bytes become entries, extents
 * stay with the content that owns them and are referred to. References of the old content are copied, so that
 * they go one level deep at most.
 */

import type { Op } from '@facet/engine';
import type { ContentId, InodeId } from '../ids.ts';
import { assert } from '../invariant.ts';
import { inlineKey } from '../meta/keys.ts';
import type { BodyRef } from '../meta/records/inode.ts';
import type { Change } from '../tree/scope.ts';
import { loadContent } from './bodies.ts';
import { putEntry, ReferenceChanges, sliceEntry } from './editMap.ts';
import { mapEntries, type Span } from './plan.ts';

/** What the inode's body becomes: the caller stores the content `to`, and nothing else refers to the old body by this inode. */
export function* takeOver(
  change: Change,
  old: { readonly inode: InodeId; readonly body: BodyRef },
  taken: { readonly to: ContentId; readonly spans: readonly Span[] },
): Op<{ readonly selfContained: boolean; readonly mappedBytes: number }> {
  const { inode, body } = old;
  let mappedBytes = 0;
  if (body.kind === 'empty') return { selfContained: true, mappedBytes };
  if (body.kind === 'inline') {
    const key = inlineKey(change.layer, inode);
    const bytes = yield* change.tx.get(key);
    assert(bytes !== undefined, `inode ${inode} has its inline bytes`);
    for (const { start, lengthBytes } of taken.spans) {
      const slice = bytes.subarray(start, start + lengthBytes);
      if (slice.length === 0) continue;
      putEntry(change, taken.to, {
        offset: start,
        entry: { kind: 'inline', lengthBytes: slice.length, bytes: slice },
      });
      mappedBytes += slice.length;
    }
    change.tx.delete(key);
    return { selfContained: true, mappedBytes };
  }
  const references = new ReferenceChanges();
  let entries = 0;
  for (const span of taken.spans) {
    for (const reference of yield* referencesTo(change, body.content, span)) {
      const { offset, content, start, lengthBytes } = reference;
      putEntry(change, taken.to, { offset, entry: { kind: 'ref', content, start, lengthBytes } });
      references.add(content, 1);
      entries += 1;
      mappedBytes += lengthBytes;
    }
  }
  references.add(body.content, -1);
  yield* references.apply(change);
  return { selfContained: entries === 0, mappedBytes };
}

interface Reference {
  readonly offset: number;
  readonly content: ContentId;
  readonly start: number;
  readonly lengthBytes: number;
}

/** The fewest references that stand for a span of a content. */
function* referencesTo(change: Change, from: ContentId, span: Span): Op<readonly Reference[]> {
  const content = yield* loadContent(change, from);
  if (content.shape.kind === 'single' || content.selfContained) {
    return [{ offset: span.start, content: from, ...span }];
  }
  const references: Reference[] = [];
  // What lies between two references of the old content is the old content's own, and referred to as one run.
  let run: Span | undefined;
  const own = (start: number, end: number): void => {
    const first: number = run?.start ?? start;
    if (end > first) run = { start: first, lengthBytes: end - first };
  };
  const endRun = (): void => {
    if (run) references.push({ offset: run.start, content: from, ...run });
    run = undefined;
  };
  // A hole where there is none is referred to, too: whoever reads there hears of it from the old content.
  const hasHoles = content.mappedBytes !== content.lengthBytes;
  let at = span.start;
  for (const { offset, entry } of yield* mapEntries(change, from, span)) {
    const start = Math.max(offset, span.start);
    const end = Math.min(offset + entry.lengthBytes, span.start + span.lengthBytes);
    if (!hasHoles) own(at, start);
    if (entry.kind === 'ref') {
      endRun();
      const copied = sliceEntry(entry, { start: start - offset, lengthBytes: end - start });
      assert(copied.kind === 'ref', 'a slice is of the same kind');
      references.push({ ...copied, offset: start });
    } else {
      own(start, end);
    }
    at = end;
  }
  if (!hasHoles) own(at, span.start + span.lengthBytes);
  endRun();
  return references;
}

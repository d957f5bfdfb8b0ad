/** Referring to a part of another body: what a part copy is made of. */

import type { Op } from '@facet/engine';
import { FsError } from '../errors.ts';
import type { ContentId, InodeId } from '../ids.ts';
import { assert } from '../invariant.ts';
import { inlineKey } from '../meta/keys.ts';
import type { BodyRef } from '../meta/records/inode.ts';
import type { View } from '../tree/scope.ts';
import { loadContent } from './bodies.ts';
import { mapEntries, mustBeHole, type Span } from './plan.ts';

/** A run of a body: in the content that owns the extents, or bytes, or a hole. */
export type Leaf = { readonly lengthBytes: number } & (
  | { readonly kind: 'owned'; readonly content: ContentId; readonly start: number }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array }
  | { readonly kind: 'hole' }
);

/** More are not referred to one by one: each is written in one transaction, and read whenever the whole is. */
const LEAVES_MAX = 1000;

/**
 * Resolves references, so that what refers to the leaves goes no deeper than the body did.
 * @throws FsError TooMuchAtOnce | Corrupt
 */
export function* leavesOf(
  view: View,
  owner: { readonly inode: InodeId; readonly body: BodyRef },
  span: Span,
): Op<readonly Leaf[]> {
  const { body } = owner;
  if (body.kind === 'content') return yield* contentLeaves(view, body.content, span);
  if (body.kind === 'empty')
    return span.lengthBytes > 0 ? [{ kind: 'hole', lengthBytes: span.lengthBytes }] : [];
  const bytes = yield* view.tx.get(inlineKey(view.layer, owner.inode));
  assert(bytes !== undefined, `inode ${owner.inode} has its inline bytes`);
  const slice = bytes.subarray(span.start, span.start + span.lengthBytes);
  const leaves: Leaf[] = [];
  if (slice.length > 0) leaves.push({ kind: 'bytes', bytes: slice, lengthBytes: slice.length });
  // A file that was made longer has a hole behind its inline bytes.
  const hole = span.lengthBytes - slice.length;
  if (hole > 0) leaves.push({ kind: 'hole', lengthBytes: hole });
  return leaves;
}

function* contentLeaves(view: View, id: ContentId, span: Span): Op<readonly Leaf[]> {
  const content = yield* loadContent(view, id);
  if (content.shape.kind === 'single') return [{ kind: 'owned', content: id, ...span }];
  const leaves: Leaf[] = [];
  const end = span.start + span.lengthBytes;
  let at = span.start;
  const addHole = (hole: Span): void => {
    mustBeHole(id, content, hole);
    add(leaves, { kind: 'hole', lengthBytes: hole.lengthBytes });
  };
  for (const { offset, entry } of yield* mapEntries(view, id, span)) {
    if (offset > at) addHole({ start: at, lengthBytes: offset - at });
    const from = Math.max(offset, span.start);
    const to = Math.min(offset + entry.lengthBytes, end);
    const within = { start: from - offset, lengthBytes: to - from };
    if (entry.kind === 'ref') {
      const start = entry.start + within.start;
      const referred = yield* contentLeaves(view, entry.content, { start, lengthBytes: within.lengthBytes });
      for (const leaf of referred) add(leaves, leaf);
    } else if (entry.kind === 'inline') {
      const bytes = entry.bytes.subarray(within.start, within.start + within.lengthBytes);
      add(leaves, { kind: 'bytes', bytes, lengthBytes: bytes.length });
    } else {
      add(leaves, { kind: 'owned', content: id, start: from, lengthBytes: to - from });
    }
    at = to;
  }
  if (at < end) addHole({ start: at, lengthBytes: end - at });
  return leaves;
}

/** What goes on where the last one ends is one with it. @throws FsError TooMuchAtOnce */
function add(leaves: Leaf[], leaf: Leaf): void {
  const last = leaves.at(-1);
  const goesOn =
    last?.kind === 'owned' &&
    leaf.kind === 'owned' &&
    last.content === leaf.content &&
    last.start + last.lengthBytes === leaf.start;
  if (goesOn) leaves[leaves.length - 1] = { ...last, lengthBytes: last.lengthBytes + leaf.lengthBytes };
  else leaves.push(leaf);
  if (leaves.length > LEAVES_MAX) {
    throw new FsError('TooMuchAtOnce', `what is to be referred to lies in more than ${LEAVES_MAX} pieces`);
  }
}

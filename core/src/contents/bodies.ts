/** Bodies: the link between an inode and its bytes. Published, shared and dropped here, by both views. */

import type { Op } from '@facet/engine';
import { take } from '../commands/counter.ts';
import { type ContentId, contentId, type InodeId } from '../ids.ts';
import { assert } from '../invariant.ts';
import { contentKey, freeKey, inlineKey } from '../meta/keys.ts';
import { type Content, decodeContent, encodeContent } from '../meta/records/content.ts';
import { type BodyRef, bodyAt, EMPTY_BODY } from '../meta/records/inode.ts';
import { encodeFree, type FreeRecord } from '../meta/records/space.ts';
import type { StagedBody, StoredBody } from '../objects/types.ts';
import type { Change, View } from '../tree/scope.ts';

/** Grows with everything put into the free queue: what readers pin and the collector stamps with. */
export const FREE_SEQUENCE = 'free';

export function* loadContent(view: Pick<View, 'tx'>, content: ContentId): Op<Content> {
  const found = yield* view.tx.get(contentKey(content));
  assert(found !== undefined, () => `content ${content} does not exist`);
  return decodeContent(found);
}

export function storeContent(change: Pick<Change, 'tx'>, id: ContentId, content: Content): void {
  change.tx.put(contentKey(id), encodeContent(content));
}

/** Hands something to the collector, in this transaction. @returns its place in the queue. */
export function* enqueueFree(change: Pick<Change, 'tx'>, record: FreeRecord): Op<number> {
  const sequence = yield* take(change.tx, { name: FREE_SEQUENCE, count: 1 });
  change.tx.put(freeKey(sequence), encodeFree(record));
  return sequence;
}

/** What a command publishes was stored before it began. */
export function stored(body: StagedBody): StoredBody {
  assert(body.kind !== 'loose', 'bytes are stored before they are published');
  return body;
}

/** Makes a staged body the body of an inode that has none. */
export function publishBody(change: Change, inode: InodeId, body: StagedBody): BodyRef {
  const staged = stored(body);
  switch (staged.kind) {
    case 'empty':
      return EMPTY_BODY;
    case 'inline':
      change.tx.put(inlineKey(change.layer, inode), staged.bytes);
      return { kind: 'inline' };
    case 'extent':
      storeContent(change, staged.contentId, {
        refs: 1,
        lengthBytes: staged.lengthBytes,
        shape: { kind: 'single', location: staged.location },
        hasParts: false,
      });
      return bodyAt(staged.contentId, staged.location);
  }
}

/** Lets a body go: the inode has none afterwards. */
export function* dropBody(
  change: Change,
  owner: { readonly inode: InodeId; readonly body: BodyRef },
): Op<BodyRef> {
  const { inode, body } = owner;
  if (body.kind === 'inline') change.tx.delete(inlineKey(change.layer, inode));
  if (body.kind === 'content') yield* dropReference(change, body.content);
  return EMPTY_BODY;
}

/** One reference fewer; the last one hands the content to the collector. */
export function* dropReference(change: Pick<Change, 'tx'>, id: ContentId): Op<{ readonly refs: number }> {
  const content = yield* loadContent(change, id);
  assert(content.refs > 0, `content ${id} has a reference to drop`);
  const refs = content.refs - 1;
  if (refs > 0) storeContent(change, id, { ...content, refs });
  else yield* retireContent(change, id, content);
  return { refs };
}

/** Hands a content whose last reference goes to the collector: of a single extent nothing else is left to look at. */
export function* retireContent(change: Pick<Change, 'tx'>, id: ContentId, content: Content): Op<number> {
  const { shape } = content;
  if (shape.kind === 'single') {
    change.tx.delete(contentKey(id));
    return yield* enqueueFree(change, { kind: 'extent', location: shape.location });
  }
  storeContent(change, id, { ...content, refs: 0 });
  return yield* enqueueFree(change, { kind: 'content', content: id });
}

/** One reference more. A content with no reference is on its way out and is never taken up again. */
export function* addReference(change: Pick<Change, 'tx'>, id: ContentId): Op<Content> {
  const content = yield* loadContent(change, id);
  assert(content.refs > 0, `content ${id} is still referred to`);
  const next = { ...content, refs: content.refs + 1 };
  storeContent(change, id, next);
  return next;
}

/** Gives `target` the bytes of `source` without moving them: inline bytes are copied, contents are counted. */
export function* shareBody(
  change: Change,
  source: { readonly view: View; readonly inode: InodeId; readonly body: BodyRef },
  target: InodeId,
): Op<BodyRef> {
  const { body } = source;
  if (body.kind === 'content') yield* addReference(change, body.content);
  if (body.kind === 'inline') {
    const bytes = yield* source.view.tx.get(inlineKey(source.view.layer, source.inode));
    assert(bytes !== undefined, `inode ${source.inode} has its inline bytes`);
    change.tx.put(inlineKey(change.layer, target), bytes);
  }
  return body;
}

/** The counter that content ids come from, singly in a transaction or leased by the block. */
export const CONTENT_IDS = 'content';

/** An id for a content that has no bytes of its own before the transaction that makes it. */
export function* newContentId(change: Pick<Change, 'tx'>): Op<ContentId> {
  return contentId(yield* take(change.tx, { name: CONTENT_IDS, count: 1 }));
}

/** Content ids for this process, from blocks it leased: an id is in the frame header before it is in a record. */
export class ContentIds {
  readonly #lease: (count: number) => Promise<number>;
  #next = 0;
  #end = 0;
  #refill: Promise<void> | undefined;

  constructor(lease: (count: number) => Promise<number>) {
    this.#lease = lease;
  }

  async next(): Promise<ContentId> {
    while (this.#next >= this.#end) {
      this.#refill ??= this.#takeBlock();
      await this.#refill;
    }
    const id = contentId(this.#next);
    this.#next += 1;
    return id;
  }

  async #takeBlock(): Promise<void> {
    try {
      const first = await this.#lease(CONTENT_IDS_PER_LEASE);
      this.#next = first;
      this.#end = first + CONTENT_IDS_PER_LEASE;
    } finally {
      this.#refill = undefined;
    }
  }
}

const CONTENT_IDS_PER_LEASE = 4096;

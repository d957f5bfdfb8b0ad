/**
 * Where the bytes of a small body lay when they were stored, as its inode remembers it: reading them needs no content to
 * be looked up, which in a large store is a page of metadata more from somewhere else.
 *
 * Only the content's own record says where they lie by now: compaction moves them and changes that alone. But nothing else is
 * ever written where they were, and a frame says whose bytes it has; whoever changes a content in place gives its inode
 * another body. So what is found at the place is right, and where it is not found the content is asked.
 */

import type { ContainerId, ExtentSlice, ExtentStore, Location } from '@facet/extents';
import type { ContentId } from '../ids.ts';
import { LastUsed } from '../lastUsed.ts';
import type { Inode } from '../meta/records/inode.ts';
import type { Piece, Span } from './plan.ts';

const CONTAINERS_MAX = 10_000;

/** Bytes of a body, and where they were. */
export interface Remembered {
  readonly content: ContentId;
  readonly location: Location;
  readonly span: Span;
}

/** What one snapshot says of a read. */
export interface PlannedRead {
  /** None, where a place is remembered. */
  readonly pieces: readonly Piece[];
  readonly remembered?: Remembered;
}

type Recalling = Pick<ExtentStore, 'recall' | 'recallAtOnce'>;

export class RememberedPlaces {
  readonly #extents: Recalling;
  /** Out of which something was moved that an inode remembers there: then as a rule everything was. */
  readonly #left = new LastUsed<ContainerId, true>(CONTAINERS_MAX);

  constructor(extents: Recalling) {
    this.#extents = extents;
  }

  /**
   * Tries the place that an inode remembers before its content is looked up.
   * @param plan of a snapshot of its own each time: with places of what they remember, without of what the content says
   * @param recall `recalled` is what it gave, undefined where the content says better
   */
  async tryFirst<P extends PlannedRead, R>(
    plan: (places?: RememberedPlaces) => Promise<P>,
    recall: (remembered: Remembered) => Promise<R | undefined>,
  ): Promise<{ readonly planned: P; readonly recalled: R | undefined }> {
    const planned = await plan(this);
    const { remembered } = planned;
    if (!remembered) return { planned, recalled: undefined };
    const recalled = await recall(remembered);
    if (recalled !== undefined) return { planned, recalled };
    // All of it anew: the file may be another by now.
    const anew = await plan();
    this.#foundAt(remembered, anew.pieces);
    return { planned: anew, recalled: undefined };
  }

  /** Undefined where the content is to be looked up. */
  of({ body, sizeBytes }: Pick<Inode, 'body' | 'sizeBytes'>, span: Span): Remembered | undefined {
    if (body.kind !== 'content' || !body.at || span.lengthBytes === 0) return undefined;
    if (this.#left.get(body.at.container)) return undefined;
    return { content: body.content, location: { ...body.at, length: sizeBytes }, span };
  }

  /** The bytes. Undefined when they are not there, or not readable: the content is to be looked up. */
  recall(remembered: Remembered, into?: Buffer): Promise<Buffer | undefined> {
    return this.#extents.recall(sliceOf(remembered, into), remembered.content);
  }

  /** The same, if it is to be had without waiting; else undefined, and {@link recall} is to be asked. */
  recallAtOnce(remembered: Remembered, into: Buffer): Buffer | undefined {
    return this.#extents.recallAtOnce(sliceOf(remembered, into), remembered.content);
  }

  #foundAt({ location }: Remembered, [piece]: readonly Piece[]): void {
    if (piece?.kind !== 'extent') return;
    const { container } = location;
    if (piece.location.container !== container) this.#left.set(container, true);
  }
}

function sliceOf({ location, span }: Remembered, into: Buffer | undefined): ExtentSlice {
  const slice = { location, start: span.start, length: span.lengthBytes };
  return into ? { ...slice, into } : slice;
}

/** UploadPart and UploadPartCopy. A part's bytes are a content of its own, so that completing moves nothing. */

import type { Op, ReadTx } from '@facet/engine';
import type { Command } from '../commands/command.ts';
import { addReference, dropReference, storeContent, stored } from '../contents/bodies.ts';
import { type Leaf, leavesOf } from '../contents/leaves.ts';
import type { Span } from '../contents/plan.ts';
import { FsError } from '../errors.ts';
import type { ContentId } from '../ids.ts';
import { contentMapKey, partKey } from '../meta/keys.ts';
import { encodeMapEntry, type MapEntry } from '../meta/records/content.ts';
import { decodePart, encodePart, type PartRecord } from '../meta/records/upload.ts';
import { checkSourcePrecondition } from '../objects/copy.ts';
import { type FoundObject, findObject } from '../objects/find.ts';
import type {
  ByteRange,
  CopyPartArgs,
  PutPartArgs,
  StagedBody,
  StoredPart,
  UploadRef,
} from '../objects/types.ts';
import { type Change, changeVolume, type View, viewVolume } from '../tree/scope.ts';
import { describePart, loadParts, loadUpload, type NumberedPart, PARTS_MAX } from './find.ts';

/** Parts of no more pieces are not counted: ten thousand of them do no harm. */
const PIECES_FEW = 10;
/** Of all parts of an upload: whoever reads the object has them all at hand. */
const PIECES_MAX = 50_000;

/** `content`: the id its bytes get where they do not have one yet. */
type WithContent<T> = T & { readonly content: ContentId };

export const putPart: Command<WithContent<PutPartArgs>, StoredPart> = {
  name: 'putPart',
  *run(tx, args, context) {
    const change = yield* changeVolume(tx, args.volume, context);
    yield* loadUpload(change, args);
    const content = storeBytes(change, args.content, args.body);
    const part: PartRecord = {
      ...(content && { content }),
      sizeBytes: args.body.lengthBytes,
      md5: args.md5,
      lastModified: context.now,
      ...(args.checksum && { checksum: args.checksum }),
    };
    return describePart(yield* storePart(change, args, { partNumber: args.partNumber, part }));
  },
};

function storeBytes(change: Change, id: ContentId, staged: StagedBody): ContentId | undefined {
  const body = stored(staged);
  const { lengthBytes } = body;
  switch (body.kind) {
    case 'empty':
      return undefined;
    case 'inline': {
      const entry: MapEntry = { kind: 'inline', lengthBytes, bytes: body.bytes };
      change.tx.put(contentMapKey(id, 0), encodeMapEntry(entry));
      const shape = { kind: 'map' } as const;
      storeContent(change, id, { refs: 1, lengthBytes, shape, hasParts: false, mappedBytes: lengthBytes });
      return id;
    }
    case 'extent': {
      const shape = { kind: 'single', location: body.location } as const;
      storeContent(change, body.contentId, { refs: 1, lengthBytes, shape, hasParts: false });
      return body.contentId;
    }
  }
}

/** Puts a part in the place of one of the same number. */
function* storePart(change: Change, ref: UploadRef, numbered: NumberedPart): Op<NumberedPart> {
  const key = partKey(ref.upload, numbered.partNumber);
  const stored = yield* change.tx.get(key);
  const old = stored && decodePart(stored).content;
  if (old) yield* dropReference(change, old);
  change.tx.put(key, encodePart(numbered.part));
  return numbered;
}

export const copyPart: Command<WithContent<CopyPartArgs>, StoredPart> = {
  name: 'copyPart',
  *run(tx, args, context) {
    const change = yield* changeVolume(tx, args.volume, context);
    yield* loadUpload(change, args);
    const view = yield* viewVolume(tx, args.source.volume);
    const source = yield* findObject(view, args.source.key);
    checkSourcePrecondition(source, args.sourcePrecondition);
    const { sizeBytes } = source.inode;
    const { range } = args.source;
    if (range && range.end >= sizeBytes) {
      throw new FsError(
        'InvalidRange',
        `bytes ${range.start}-${range.end} are not within ${sizeBytes} bytes`,
      );
    }
    const span = spanOf(source, range);
    const leaves = yield* leavesToShare(change, args, { view, source });
    if (span.lengthBytes > 0) yield* storeLeaves(change, args.content, leaves);
    const part: PartRecord = {
      ...(span.lengthBytes > 0 && { content: args.content }),
      sizeBytes: span.lengthBytes,
      md5: args.md5 ?? knownMd5(source, range) ?? context.operationId,
      lastModified: context.now,
      ...(args.checksum && { checksum: args.checksum }),
      ...(leaves.length > 1 && { pieces: leaves.length }),
    };
    return describePart(yield* storePart(change, args, { partNumber: args.partNumber, part }));
  },
};

/**
 * For who is to read all of the source before `copyPart`, which checks the rest.
 * @throws FsError NoEntry | TooMuchAtOnce
 */
export function* checkSharable(tx: ReadTx, args: CopyPartArgs): Op<number> {
  const view = yield* viewVolume(tx, args.source.volume);
  const source = yield* findObject(view, args.source.key);
  return (yield* leavesToShare({ tx }, args, { view, source })).length;
}

/** @throws FsError TooMuchAtOnce */
function* leavesToShare(
  reading: Pick<View, 'tx'>,
  args: CopyPartArgs,
  { view, source }: { readonly view: View; readonly source: FoundObject },
): Op<readonly Leaf[]> {
  const span = spanOf(source, args.source.range);
  const leaves = yield* leavesOf(view, { inode: source.id, body: source.inode.body }, span);
  yield* mustBeReadable(reading, args, leaves.length);
  return leaves;
}

function spanOf({ inode }: FoundObject, range: ByteRange | undefined): Span {
  return range
    ? { start: range.start, lengthBytes: range.end - range.start + 1 }
    : { start: 0, lengthBytes: inode.sizeBytes };
}

/**
 * Copies of copies are of twice the pieces each time, for no more than two requests.
 * @throws FsError TooMuchAtOnce
 */
function* mustBeReadable(
  reading: Pick<View, 'tx'>,
  { upload, partNumber }: CopyPartArgs,
  pieces: number,
): Op<number> {
  if (pieces <= PIECES_FEW) return pieces;
  const parts = yield* loadParts(reading, { upload, afterPartNumber: 0, limit: PARTS_MAX });
  const others = parts.filter((other) => other.partNumber !== partNumber);
  const all = others.reduce((sum, { part }) => sum + (part.pieces ?? 1), pieces);
  if (all > PIECES_MAX)
    throw new FsError('TooMuchAtOnce', `the parts of upload ${upload} lie in ${all} pieces`);
  return all;
}

/** A whole object with a plain etag brings its MD5; other bytes were not read, so nobody knows theirs. */
function knownMd5(source: FoundObject, range: unknown): Uint8Array | undefined {
  const etag = source.record.directory?.etag ?? source.inode.etag;
  return !range && etag?.parts === 0 ? etag.digest : undefined;
}

function* storeLeaves(change: Change, id: ContentId, leaves: readonly Leaf[]): Op<number> {
  let [offset, mappedBytes] = [0, 0];
  for (const leaf of leaves) {
    const { lengthBytes } = leaf;
    if (leaf.kind !== 'hole') mappedBytes += lengthBytes;
    if (leaf.kind === 'owned') {
      yield* addReference(change, leaf.content);
      const entry: MapEntry = { kind: 'ref', content: leaf.content, start: leaf.start, lengthBytes };
      change.tx.put(contentMapKey(id, offset), encodeMapEntry(entry));
    } else if (leaf.kind === 'bytes') {
      const entry: MapEntry = { kind: 'inline', bytes: leaf.bytes, lengthBytes };
      change.tx.put(contentMapKey(id, offset), encodeMapEntry(entry));
    }
    offset += lengthBytes;
  }
  const shape = { kind: 'map' } as const;
  storeContent(change, id, { refs: 1, lengthBytes: offset, shape, hasParts: false, mappedBytes });
  return offset;
}

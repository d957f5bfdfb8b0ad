/** CompleteMultipartUpload: one map entry a part. */

import type { Op, ReadTx } from '@facet/engine';
import type { Command } from '../commands/command.ts';
import { enqueueFree, storeContent } from '../contents/bodies.ts';
import { BODY_BYTES_MAX } from '../contents/staging.ts';
import { FsError } from '../errors.ts';
import { type ContentId, volumeId } from '../ids.ts';
import { completedKey, contentMapKey, partKey, uploadKey } from '../meta/keys.ts';
import { encodeMapEntry } from '../meta/records/content.ts';
import { type BodyRef, EMPTY_BODY } from '../meta/records/inode.ts';
import { type CompletedUpload, decodeCompleted, encodeCompleted } from '../meta/records/upload.ts';
import { checkWritePrecondition, etagText } from '../objects/etag.ts';
import { etagOf, findTarget } from '../objects/find.ts';
import { publishObject } from '../objects/publish.ts';
import type {
  Checksum,
  CompleteUploadArgs,
  CompleteUploadResult,
  Etag,
  UploadRef,
  WritePrecondition,
} from '../objects/types.ts';
import { type Change, changeVolume, viewVolume } from '../tree/scope.ts';
import { loadParts, loadUpload, type NumberedPart, PARTS_MAX } from './find.ts';

/** S3's least part, the last one excepted. */
const PART_BYTES_MIN = 5 * 1024 * 1024;

/** What was seen of the upload before the transaction. */
export type Inspected =
  | { readonly kind: 'completed'; readonly result: CompleteUploadResult }
  | { readonly kind: 'open'; readonly parts: readonly NumberedPart[] };

/** Finds the parts the client named and checks them against what it said. */
export function* inspectUpload(tx: ReadTx, args: CompleteUploadArgs): Op<Inspected> {
  const view = yield* viewVolume(tx, args.volume);
  const earlier = yield* earlierAnswer(tx, args);
  if (earlier) return { kind: 'completed', result: earlier };
  yield* loadUpload(view, args);
  const stored = yield* loadParts(view, { upload: args.upload, afterPartNumber: 0, limit: PARTS_MAX });
  return { kind: 'open', parts: chooseParts(stored, args) };
}

function* earlierAnswer(tx: ReadTx, ref: UploadRef): Op<CompleteUploadResult | undefined> {
  const stored = yield* tx.get(completedKey(ref.upload));
  if (!stored) return undefined;
  const done = decodeCompleted(stored);
  const same = volumeId(done.volume) === ref.volume && ref.key.equals(done.key);
  if (!same) throw new FsError('NoSuchUpload', `there is no upload ${ref.upload} of that key`);
  const { sizeBytes, checksum } = done;
  const answer = { etag: etagText(done.etag), lastModified: done.completed, sizeBytes };
  return checksum ? { ...answer, checksum } : answer;
}

function chooseParts(stored: readonly NumberedPart[], args: CompleteUploadArgs): readonly NumberedPart[] {
  const byNumber = new Map(stored.map((numbered) => [numbered.partNumber, numbered]));
  if (args.parts.length === 0) throw new FsError('InvalidPart', 'an object has at least one part');
  const chosen: NumberedPart[] = [];
  let previous = 0;
  let sizeBytes = 0;
  for (const named of args.parts) {
    if (named.partNumber <= previous) {
      throw new FsError('InvalidPartOrder', `part ${named.partNumber} follows part ${previous}`);
    }
    previous = named.partNumber;
    const found = byNumber.get(named.partNumber);
    if (!found) throw new FsError('InvalidPart', `part ${named.partNumber} was not uploaded`);
    checkNamed(found, named);
    sizeBytes += found.part.sizeBytes;
    chosen.push(found);
  }
  for (const { partNumber, part } of chosen.slice(0, -1)) {
    if (part.sizeBytes < PART_BYTES_MIN) {
      throw new FsError(
        'PartTooSmall',
        `part ${partNumber} has ${part.sizeBytes} bytes, the least is ${PART_BYTES_MIN}`,
      );
    }
  }
  if (sizeBytes > BODY_BYTES_MAX) throw new FsError('ObjectTooLarge', `${sizeBytes} bytes are too many`);
  if (args.sizeBytes !== undefined && args.sizeBytes !== sizeBytes) {
    throw new FsError('InvalidPart', `the parts have ${sizeBytes} bytes together, not ${args.sizeBytes}`);
  }
  return chosen;
}

function checkNamed({ partNumber, part }: NumberedPart, named: CompleteUploadArgs['parts'][number]): void {
  if (Buffer.from(part.md5).toString('hex') !== named.etag.toLowerCase()) {
    throw new FsError('InvalidPart', `part ${partNumber} has another etag`);
  }
  if (named.checksum && !(part.checksum && Buffer.compare(named.checksum, part.checksum) === 0)) {
    throw new FsError('InvalidPart', `part ${partNumber} has another checksum`);
  }
}

export interface CompleteArgs extends UploadRef {
  /** As inspected: the transaction makes sure that they are still these. */
  readonly parts: readonly NumberedPart[];
  readonly etag: Etag;
  readonly checksum?: Checksum;
  readonly precondition?: WritePrecondition;
  readonly content: ContentId;
}

export const completeUpload: Command<CompleteArgs, CompleteUploadResult> = {
  name: 'completeUpload',
  *run(tx, args, context) {
    const change = yield* changeVolume(tx, args.volume, context);
    const earlier = yield* earlierAnswer(tx, args);
    if (earlier) return earlier;
    const upload = yield* loadUpload(change, args);
    const stored = yield* loadParts(change, { upload: args.upload, afterPartNumber: 0, limit: PARTS_MAX });
    checkUnchanged(stored, args.parts);
    const target = yield* findTarget(change, args.key);
    checkWritePrecondition(args.precondition, target.object && etagOf(target.object));
    const sizeBytes = args.parts.reduce((sum, { part }) => sum + part.sizeBytes, 0);
    const { etag, checksum } = args;
    const published = yield* publishObject(change, target, {
      properties: upload.properties,
      userMetadata: upload.userMetadata,
      ...(upload.storageClass && { storageClass: upload.storageClass }),
      ...(upload.tags && { tags: upload.tags }),
      sizeBytes,
      etag,
      ...(checksum && { checksum }),
      // biome-ignore lint/correctness/useYield: the parts were read before.
      body: function* () {
        return joinParts(change, args, sizeBytes);
      },
    });
    tx.delete(uploadKey(change.layer, args.key, args.upload));
    const done: CompletedUpload = {
      key: args.key,
      volume: args.volume,
      etag,
      sizeBytes,
      completed: context.now,
      ...(checksum && { checksum }),
    };
    tx.put(completedKey(args.upload), encodeCompleted(done));
    if (stored.length > args.parts.length)
      yield* enqueueFree(change, { kind: 'upload', upload: args.upload });
    return checksum ? { ...published, checksum } : published;
  },
};

function checkUnchanged(stored: readonly NumberedPart[], chosen: readonly NumberedPart[]): void {
  const byNumber = new Map(stored.map(({ partNumber, part }) => [partNumber, part]));
  for (const { partNumber, part } of chosen) {
    const now = byNumber.get(partNumber);
    if (!now || now.content !== part.content || Buffer.compare(now.md5, part.md5) !== 0) {
      throw new FsError('InvalidPart', `part ${partNumber} was replaced meanwhile`);
    }
  }
}

/** Each part's reference moves from its record to the map entry. */
function joinParts(change: Change, args: CompleteArgs, lengthBytes: number): BodyRef {
  const { tx } = change;
  let offset = 0;
  for (const { partNumber, part } of args.parts) {
    tx.delete(partKey(args.upload, partNumber));
    const { content, checksum } = part;
    if (!content) continue;
    const mark = checksum ? { partNumber, checksum } : { partNumber };
    const entry = { kind: 'ref', content, start: 0, lengthBytes: part.sizeBytes, part: mark } as const;
    tx.put(contentMapKey(args.content, offset), encodeMapEntry(entry));
    offset += part.sizeBytes;
  }
  if (offset === 0) return EMPTY_BODY;
  const shape = { kind: 'map' } as const;
  const content = { refs: 1, lengthBytes, shape, hasParts: true, mappedBytes: offset };
  storeContent(change, args.content, content);
  return { kind: 'content', content: args.content };
}

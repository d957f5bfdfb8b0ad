/** CopyObject: one reference more, no bytes moved. */

import type { Command } from '../commands/command.ts';
import { shareBody } from '../contents/bodies.ts';
import { FsError } from '../errors.ts';
import { EMPTY_BODY } from '../meta/records/inode.ts';
import type { ObjectRecord } from '../meta/records/object.ts';
import { changeVolume, type View, viewVolume } from '../tree/scope.ts';
import { checkWritePrecondition, inodeEtag } from './etag.ts';
import {
  etagOf,
  type FoundObject,
  findObject,
  findTarget,
  lastModifiedOf,
  type Target,
  userMetadataOf,
} from './find.ts';
import { publishObject } from './publish.ts';
import { tagsOf } from './tags.ts';
import type { CopyObjectArgs, CopyObjectResult, Etag } from './types.ts';

const NANOSECONDS = 1_000_000_000n;

export const copyObject: Command<CopyObjectArgs, CopyObjectResult> = {
  name: 'copyObject',
  *run(tx, args, context) {
    const view = yield* viewVolume(tx, args.source.volume);
    const source = yield* findObject(view, args.source.key);
    checkSourcePrecondition(source, args.sourcePrecondition);
    const change = yield* changeVolume(tx, args.target.volume, context);
    const target = yield* findTarget(change, args.target.key);
    checkWritePrecondition(args.precondition, target.object && etagOf(target.object));
    const { body: stored, sizeBytes } = source.inode;
    // A file may have been given a content for a write that then failed.
    const body = sizeBytes === 0 ? EMPTY_BODY : stored;
    const onto = view.layer === change.layer && target.object?.id === source.id;
    const checksum = args.checksum ?? source.record.checksum;
    const tags = args.tags ?? (yield* tagsOf(view, source));
    const storageClass = args.attributes ? args.attributes.storageClass : args.storageClass;
    const published = yield* publishObject(change, target, {
      properties: args.attributes?.properties ?? source.record.properties,
      userMetadata: args.attributes?.userMetadata ?? copiedMetadata(view, source, target),
      ...(storageClass && { storageClass }),
      ...(checksum && { checksum }),
      ...(tags.length > 0 && { tags }),
      sizeBytes,
      etag: keptEtag(source),
      body: onto ? 'keep' : (inode) => shareBody(change, { view, inode: source.id, body }, inode),
    });
    return checksum ? { ...published, checksum } : published;
  },
};

/** A copy has the owner, mode and time that its source is said to have, unless one is a file and one a directory. */
function copiedMetadata(view: View, source: FoundObject, target: Target): ObjectRecord['userMetadata'] {
  const type = target.path.leaf.directory ? 'directory' : 'file';
  return source.inode.type === type ? userMetadataOf(view, source) : source.record.userMetadata;
}

/** A copy keeps its etag, also one that stands for a change: it is the copy's own from then on. */
function keptEtag(source: FoundObject): Etag {
  return source.record.directory?.etag ?? inodeEtag(source);
}

/**
 * @throws FsError PreconditionFailed
 * @source https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html (precedence of the four conditions)
 */
export function checkSourcePrecondition(
  source: FoundObject,
  precondition: CopyObjectArgs['sourcePrecondition'],
): void {
  if (!precondition) return;
  const { ifMatch, ifNoneMatch, ifModifiedSince, ifUnmodifiedSince } = precondition;
  const seconds = lastModifiedOf(source) / NANOSECONDS;
  checkWritePrecondition(precondition, etagOf(source));
  // Where an etag decided, the time of the same direction is not asked.
  if (!ifMatch && ifUnmodifiedSince !== undefined && seconds > ifUnmodifiedSince / NANOSECONDS) {
    throw new FsError('PreconditionFailed', 'the source was modified since');
  }
  if (!ifNoneMatch && ifModifiedSince !== undefined && seconds <= ifModifiedSince / NANOSECONDS) {
    throw new FsError('PreconditionFailed', 'the source was not modified since');
  }
}

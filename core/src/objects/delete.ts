/** DeleteObject, and the prune of implicit directories it may leave empty. */

import type { Op } from '@facet/engine';
import type { Command } from '../commands/command.ts';
import { dropBody } from '../contents/bodies.ts';
import { FsError } from '../errors.ts';
import { assert } from '../invariant.ts';
import { objectRecordKey, tagsKey } from '../meta/keys.ts';
import { loadDirectory, removeEntry, storeDirectory } from '../tree/directories.ts';
import { releaseInode } from '../tree/inodes.ts';
import { dropName } from '../tree/links.ts';
import { adjustUsage, type Change, changeVolume } from '../tree/scope.ts';
import { checkWritePrecondition } from './etag.ts';
import { bodyOf, etagOf, type FoundObject, findTarget, lastModifiedOf, type Target } from './find.ts';
import { prune } from './prune.ts';
import type { ObjectView } from './types.ts';

type Args = Parameters<ObjectView['delete']>[0];

export const deleteObject: Command<Args, { readonly existed: boolean }> = {
  name: 'deleteObject',
  runsWhenFull: true,
  *run(tx, args, context) {
    const change = yield* changeVolume(tx, args.volume, context);
    const target = yield* findTarget(change, args.key);
    const { object } = target;
    checkWritePrecondition(args.precondition, object && etagOf(object));
    if (!object) return { existed: false };
    checkExtent(object, args.precondition);
    if (object.inode.type === 'directory') yield* deleteDirectoryObject(change, target, object);
    else yield* deleteFile(change, target, object);
    return { existed: true };
  },
};

function checkExtent(object: FoundObject, precondition: Args['precondition']): void {
  const { ifMatchSize, ifMatchLastModified } = precondition ?? {};
  if (ifMatchSize !== undefined && bodyOf(object).sizeBytes !== ifMatchSize) {
    throw new FsError('PreconditionFailed', `ifMatchSize: the object has ${bodyOf(object).sizeBytes} bytes`);
  }
  const seconds = lastModifiedOf(object) / 1_000_000_000n;
  if (ifMatchLastModified !== undefined && seconds !== ifMatchLastModified / 1_000_000_000n) {
    throw new FsError('PreconditionFailed', 'ifMatchLastModified: the object was modified at another time');
  }
}

function* deleteFile(change: Change, target: Target, object: FoundObject): Op<number> {
  const parent = target.trail.at(-1);
  assert(parent !== undefined, 'a trail begins at the root');
  const { name } = target.path.leaf;
  yield* removeEntry(change, { parent, name, dentry: object.dentry, door: 'object' });
  yield* dropName(change, object, { parent, cookie: object.dentry.cookie });
  return yield* prune(change, target);
}

/** With entries below, only the object goes and the directory becomes implicit; it never recurses. */
function* deleteDirectoryObject(change: Change, target: Target, object: FoundObject): Op<number> {
  const { tx, layer, now } = change;
  const { id, record, dentry } = object;
  const state = yield* loadDirectory(change, id);
  if (state.entries === 0) {
    const parent = target.trail.at(-1);
    assert(parent !== undefined, 'a trail begins at the root');
    yield* removeEntry(change, { parent, name: target.path.leaf.name, dentry, door: 'object' });
    yield* releaseInode(change, object);
    return yield* prune(change, target);
  }
  if (record.directory) yield* dropBody(change, { inode: id, body: record.directory.body });
  tx.delete(objectRecordKey(layer, id));
  tx.delete(tagsKey(layer, id));
  storeDirectory(change, id, { ...state, explicit: false, ctime: now, change: state.change + 1 });
  yield* adjustUsage(change, { bytes: -(record.directory?.sizeBytes ?? 0), inodes: 0 });
  return 0;
}

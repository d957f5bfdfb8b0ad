/** DeleteObject, and the prune of implicit directories it may leave empty. */

import type { Op } from '@facet/engine';
import type { Command } from '../commands/command.ts';
import { FsError } from '../errors.ts';
import { assert } from '../invariant.ts';
import { BYTES_OF_DIRECTORY, giveUpObject } from '../tree/bytesOfDirectory.ts';
import { loadDirectory, removeEntry, storeDirectory } from '../tree/directories.ts';
import { releaseInode } from '../tree/inodes.ts';
import { dropName } from '../tree/links.ts';
import { type Change, changeVolume } from '../tree/scope.ts';
import { checkWritePrecondition } from './etag.ts';
import { etagOf, type FoundObject, findTarget, lastModifiedOf, type Target } from './find.ts';
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
    else if (target.path.leaf === BYTES_OF_DIRECTORY) yield* deleteBytesOfDirectory(change, target, object);
    else yield* deleteFile(change, target, object);
    return { existed: true };
  },
};

function checkExtent(object: FoundObject, precondition: Args['precondition']): void {
  const { ifMatchSize, ifMatchLastModified } = precondition ?? {};
  if (ifMatchSize !== undefined && object.inode.sizeBytes !== ifMatchSize) {
    throw new FsError('PreconditionFailed', `ifMatchSize: the object has ${object.inode.sizeBytes} bytes`);
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

/** The directory is no object then either, so that it goes if nothing else is in it. */
function* deleteBytesOfDirectory(change: Change, target: Target, object: FoundObject): Op<number> {
  const id = target.trail.at(-1);
  assert(id !== undefined, 'a file is in a directory');
  const state = yield* loadDirectory(change, id);
  storeDirectory(change, id, { ...state, explicit: false });
  return yield* deleteFile(change, target, object);
}

/** With entries below, only the object goes and the directory becomes implicit; it never recurses. */
function* deleteDirectoryObject(change: Change, target: Target, object: FoundObject): Op<number> {
  const { id, dentry } = object;
  const state = yield* loadDirectory(change, id);
  if (state.entries === 0) {
    const parent = target.trail.at(-1);
    assert(parent !== undefined, 'a trail begins at the root');
    yield* removeEntry(change, { parent, name: target.path.leaf.name, dentry, door: 'object' });
    yield* releaseInode(change, object);
    return yield* prune(change, target);
  }
  giveUpObject(change, object);
  storeDirectory(change, id, { ...state, explicit: false, ctime: change.now, change: state.change + 1 });
  return 0;
}

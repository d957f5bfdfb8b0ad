/** SETATTR: owner, mode, times and size of an inode. */

import type { Op } from '@facet/engine';
import { type Command, noRoomFor } from '../commands/command.ts';
import { editBody } from '../contents/edit.ts';
import { FsError } from '../errors.ts';
import type { Timestamp } from '../ids.ts';
import { assert } from '../invariant.ts';
import type { Inode } from '../meta/records/inode.ts';
import { storeDirectory } from '../tree/directories.ts';
import { type Found, storeInode } from '../tree/inodes.ts';
import { type Change, changeVolume } from '../tree/scope.ts';
import { checkExtentOfFile, mustBeFile, storeChanged } from './changed.ts';
import { attributesOf, attributesOfBoth, loadNode, type Node } from './nodes.ts';
import {
  grantedMode,
  isIn,
  isRoot,
  mustAllow,
  mustBeWritable,
  owns,
  WRITE,
  withoutSetId,
} from './permission.ts';
import type { AttributeChanges, BeforeAfter, Caller, NewTime, SetattrArgs } from './types.ts';

export const setattr: Command<SetattrArgs, BeforeAfter> = {
  name: 'setattr',
  runsWhenFull: true,
  *run(tx, args, context) {
    const change = yield* changeVolume(tx, args.file.volume, context);
    const node = yield* loadNode(change, args.file);
    const { ctime } = attributesOf(change, node);
    if (args.ifCtime !== undefined && args.ifCtime !== ctime) {
      throw new FsError('NotSynchronised', `inode ${node.id} has changed: its ctime is ${ctime}`);
    }
    const { sizeBytes = 0 } = args.changes;
    if (!context.mayGrow && sizeBytes > node.inode.sizeBytes) throw noRoomFor('setattr');
    const isAsked = Object.keys(args.changes).length > 0;
    return attributesOfBoth(change, node, isAsked ? yield* setAttributes(change, node, args) : node);
  },
};

interface Setting {
  readonly caller: Caller;
  readonly changes: AttributeChanges;
}

/** @returns the node as stored */
function* setAttributes(change: Change, node: Node, { caller, changes }: Setting): Op<Node> {
  checkLeave(caller, node, changes);
  const { sizeBytes } = changes;
  const resized =
    sizeBytes === undefined ? node.inode : yield* resizeFile(change, node, { caller, sizeBytes });
  const { atime, mtime } = changes;
  const inode = {
    ...resized,
    ...ownership(caller, resized, changes),
    ...(atime && { atime: momentOf(change, atime) }),
    ...(mtime && { mtime: momentOf(change, mtime) }),
    ctime: change.now,
    change: node.inode.change + 1,
  };
  storeInode(change, node.id, inode);
  if (!node.state) return { id: node.id, inode };
  const state = { ...node.state, explicit: true, ...(mtime && { mtime: momentOf(change, mtime) }) };
  storeDirectory(change, node.id, state);
  return { id: node.id, inode, state };
}

export const momentOf = (change: Change, time: NewTime): Timestamp =>
  time.kind === 'server' ? change.now : time.time;

/** @throws FsError NotPermitted | AccessDenied | IsDirectory | Invalid */
function checkLeave(caller: Caller, node: Found, changes: AttributeChanges): void {
  const { inode } = node;
  const { mode, uid, gid, sizeBytes, atime, mtime } = changes;
  const owner = owns(caller, inode);
  if (uid !== undefined && !isRoot(caller) && !(owner && uid === inode.uid)) {
    throw new FsError('NotPermitted', `only root gives inode ${node.id} to uid ${uid}`);
  }
  if (gid !== undefined && !isRoot(caller) && !(owner && (gid === inode.gid || isIn(caller, gid)))) {
    throw new FsError('NotPermitted', `uid ${caller.uid} may not give inode ${node.id} to gid ${gid}`);
  }
  const setsTime = atime?.kind === 'client' || mtime?.kind === 'client';
  if ((mode !== undefined || setsTime) && !owner) {
    throw new FsError('NotPermitted', `only its owner sets mode and times of inode ${node.id}`);
  }
  if ((atime || mtime) && !owner) mustAllow(caller, node, WRITE);
  if (sizeBytes !== undefined) {
    mustBeFile(node);
    mustBeWritable(caller, node);
  }
}

/** Owner, group and mode as the caller may have them. A change of owner takes the set-id bits of a file. */
function ownership(
  caller: Caller,
  inode: Inode,
  changes: AttributeChanges,
): Pick<Inode, 'uid' | 'gid' | 'mode'> {
  const uid = changes.uid ?? inode.uid;
  const gid = changes.gid ?? inode.gid;
  const mode = changes.mode === undefined ? inode.mode : grantedMode(caller, changes.mode, gid);
  const givenAway = changes.uid !== undefined || changes.gid !== undefined;
  return { uid, gid, mode: givenAway && inode.type !== 'directory' ? withoutSetId(mode) : mode };
}

/** Cuts a file or makes it longer by a hole. The caller has leave. @returns the inode as stored */
export function* resizeFile(
  change: Change,
  { id, inode }: Found,
  to: { readonly caller: Caller; readonly sizeBytes: number },
): Op<Inode> {
  const { caller, sizeBytes } = to;
  checkExtentOfFile({ end: sizeBytes, what: `inode ${id}` });
  if (sizeBytes === inode.sizeBytes) {
    // Nothing of the data changes, so its version and etag stay; POSIX marks the times all the same.
    const touched = { ...inode, mtime: change.now, ctime: change.now, change: inode.change + 1 };
    storeInode(change, id, touched);
    return touched;
  }
  const { body } = inode;
  const span = { start: sizeBytes, lengthBytes: Math.max(0, inode.sizeBytes - sizeBytes) };
  const edited = yield* editBody(
    change,
    { inode: id, body, sizeBytes: inode.sizeBytes },
    { span, lengthBytes: sizeBytes },
  );
  assert(edited !== undefined, 'an edit without bytes needs no place for them');
  return yield* storeChanged(change, { id, inode }, { caller, body: edited, sizeBytes });
}

/** Making an inode under a new name: what create, mkdir, symlink and mknod share. */

import type { Op } from '@facet/engine';
import { FsError } from '../errors.ts';
import { inlineKey } from '../meta/keys.ts';
import { EMPTY_BODY, type Inode, type InodeType } from '../meta/records/inode.ts';
import { giveUpObject, isBytesOfDirectory } from '../tree/bytesOfDirectory.ts';
import { addEntry, findTwins, freshDirectory, storeDirectory, type Twins } from '../tree/directories.ts';
import { type Found, freshInode, newInodeId, storeInode } from '../tree/inodes.ts';
import { adjustUsage, type Change } from '../tree/scope.ts';
import { checkExtentOfFile } from './changed.ts';
import { checkNewName } from './names.ts';
import { attributesOf, attributesOfBoth, type DirectoryNode, type Node } from './nodes.ts';
import { CHANGE_ENTRIES, EXECUTE, inherit, isIn, isRoot, mustAllow } from './permission.ts';
import { momentOf } from './setattr.ts';
import type { AttributeChanges, Caller, Created, Device } from './types.ts';

export interface NewInode {
  readonly caller: Caller;
  readonly parent: DirectoryNode;
  readonly name: Buffer;
  readonly type: InodeType;
  readonly attributes: AttributeChanges;
  readonly target?: Buffer;
  readonly device?: Device;
  readonly createVerifier?: Buffer;
}

/** What has the name already, which the caller may look up. @throws FsError AccessDenied | Invalid | NameTooLong */
export function* findInTheWay(
  change: Change,
  wanted: Pick<NewInode, 'caller' | 'parent' | 'name'> & Partial<Pick<NewInode, 'type'>>,
): Op<Twins> {
  const { caller, parent, name, type } = wanted;
  mustAllow(caller, parent, EXECUTE);
  checkNewName(name, { parent: parent.id, ...(type && { type }) });
  return yield* findTwins(change, parent.id, name);
}

/** @throws FsError Exists | AccessDenied | Invalid | NameTooLong | FileTooBig */
export function* makeAtFreeName(change: Change, wanted: NewInode): Op<Created> {
  const { directory, other } = yield* findInTheWay(change, wanted);
  if (directory ?? other) throw new FsError('Exists', `${JSON.stringify(`${wanted.name}`)} exists already`);
  return yield* makeInode(change, wanted);
}

const FREE: Twins = { directory: undefined, other: undefined };

/** The name is free in both forms. @throws FsError AccessDenied | FileTooBig */
export function* makeInode(change: Change, wanted: NewInode): Op<Created> {
  const { caller, parent, name, type } = wanted;
  mustAllow(caller, parent, CHANGE_ENTRIES);
  const id = yield* newInodeId(change);
  const entry = { parent: parent.id, name, inode: id, type, door: 'file' } as const;
  const { cookie, state } = addEntry(change, entry, { state: parent.state, twins: FREE });
  if (isBytesOfDirectory(name)) giveUpObject(change, parent);
  const place = { parent: parent.id, cookie };
  const bare = freshInode(change, { type, ...ownerOf(wanted), place });
  const inode = { ...bare, ...timesOf(change, wanted), ...contentOf(wanted) };
  storeInode(change, id, inode);
  if (wanted.target) change.tx.put(inlineKey(change.layer, id), wanted.target);
  const node = type === 'directory' ? makeDirectory(change, { id, inode }) : { id, inode };
  yield* adjustUsage(change, { bytes: inode.sizeBytes, inodes: 1 });
  return {
    file: attributesOf(change, node),
    made: true,
    parent: attributesOfBoth(change, parent, { ...parent, state }),
  };
}

function makeDirectory(change: Change, { id, inode }: Found): Node {
  const state = { ...freshDirectory(change, { explicit: true }), mtime: inode.mtime };
  storeDirectory(change, id, state);
  return { id, inode, state };
}

/** An owner or group that the caller may not give is not an error here: the file gets the caller's. */
function ownerOf({ caller, parent, type, attributes }: NewInode): Pick<Inode, 'mode' | 'uid' | 'gid'> {
  const directory = type === 'directory';
  const mode = type === 'symlink' ? 0o777 : (attributes.mode ?? (directory ? 0o700 : 0o600));
  const { uid, gid } = attributes;
  const mayGiveGroup = gid !== undefined && (isRoot(caller) || isIn(caller, gid));
  return {
    uid: uid !== undefined && isRoot(caller) ? uid : caller.uid,
    ...inherit(caller, parent.inode, { directory, mode, ...(mayGiveGroup && { gid }) }),
  };
}

function timesOf(change: Change, { attributes }: NewInode): Partial<Pick<Inode, 'atime' | 'mtime'>> {
  const { atime, mtime } = attributes;
  return {
    ...(atime && { atime: momentOf(change, atime) }),
    ...(mtime && { mtime: momentOf(change, mtime) }),
  };
}

function contentOf(wanted: NewInode): Partial<Inode> {
  const { type, attributes, target, device, createVerifier } = wanted;
  const { sizeBytes = 0 } = attributes;
  if (target) return { body: { kind: 'inline' }, sizeBytes: target.length };
  if (type !== 'file') return device ? { device } : {};
  checkExtentOfFile({ end: sizeBytes, what: 'a new file' });
  return { body: EMPTY_BODY, sizeBytes, ...(createVerifier && { createVerifier }) };
}

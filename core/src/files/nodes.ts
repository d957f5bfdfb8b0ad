/** Inodes together with what their attributes are made of, and those attributes. */

import type { Bytes, Op } from '@facet/engine';
import { FsError } from '../errors.ts';
import type { InodeId, Timestamp } from '../ids.ts';
import { assert } from '../invariant.ts';
import { directoryKey, inodeKey } from '../meta/keys.ts';
import { decodeInode, type Inode } from '../meta/records/inode.ts';
import { type DirectoryState, decodeDirectoryState } from '../meta/records/tree.ts';
import type { Found } from '../tree/inodes.ts';
import type { View } from '../tree/scope.ts';
import type { BeforeAfter, FileAttributes, FileRef } from './types.ts';

/** An inode, and its state when it is a directory. */
export interface Node extends Found {
  readonly state?: DirectoryState;
}

export interface DirectoryNode extends Found {
  readonly state: DirectoryState;
}

/** @throws FsError Stale */
export function* loadNode(view: View, ref: Omit<FileRef, 'volume'>): Op<Node> {
  return mustBeCurrent(view, ref, yield* findNode(view, ref.inode));
}

/** In one round trip. @throws FsError Stale | NotDirectory */
export function* loadDirectoryNode(view: View, ref: Omit<FileRef, 'volume'>): Op<DirectoryNode> {
  const { tx, layer } = view;
  const id = ref.inode;
  const [stored, state] = yield* tx.getMany([inodeKey(layer, id), directoryKey(layer, id)]);
  return mustBeDirectory(mustBeCurrent(view, ref, decodeNode(id, stored, state)));
}

/** @throws FsError Stale */
function mustBeCurrent(view: View, ref: Omit<FileRef, 'volume'>, node: Node | undefined): Node {
  if (!node || node.inode.generation !== ref.generation) {
    throw new FsError('Stale', `inode ${ref.inode} of volume ${view.volume.name} does not exist any more`);
  }
  return node;
}

/** @throws FsError NotDirectory */
function mustBeDirectory({ id, inode, state }: Node): DirectoryNode {
  if (!state) throw new FsError('NotDirectory', `inode ${id} is a ${inode.type}`);
  return { id, inode, state };
}

/** The node of an entry: it is there. */
export function* nodeOf(view: View, id: InodeId): Op<Node> {
  const node = yield* findNode(view, id);
  assert(node !== undefined, `inode ${id}, which has a name, exists`);
  return node;
}

/** Most are files: a state is only asked for where there must be one. */
export function* findNode(view: View, id: InodeId): Op<Node | undefined> {
  const { tx, layer } = view;
  const stored = yield* tx.get(inodeKey(layer, id));
  if (!stored) return undefined;
  const inode = decodeInode(stored);
  if (inode.type !== 'directory') return { id, inode };
  return { id, inode, state: stateOf(id, yield* tx.get(directoryKey(layer, id))) };
}

/** One round trip for all: entries say what has a state to be read. */
export function* nodesOf(
  view: View,
  entries: readonly { readonly inode: InodeId; readonly type: Inode['type'] }[],
): Op<readonly (Node | undefined)[]> {
  const { tx, layer } = view;
  const keys: Bytes[] = entries.map(({ inode }) => inodeKey(layer, inode));
  for (const { inode, type } of entries) if (type === 'directory') keys.push(directoryKey(layer, inode));
  const stored = yield* tx.getMany(keys);
  let stateAt = entries.length;
  return entries.map(({ inode, type }, index) => {
    const state = type === 'directory' ? stored[stateAt++] : undefined;
    return decodeNode(inode, stored[index], state);
  });
}

function decodeNode(id: InodeId, stored: Bytes | undefined, state: Bytes | undefined): Node | undefined {
  if (!stored) return undefined;
  const inode = decodeInode(stored);
  return inode.type === 'directory' ? { id, inode, state: stateOf(id, state) } : { id, inode };
}

function stateOf(id: InodeId, stored: Bytes | undefined): DirectoryState {
  assert(stored !== undefined, `directory ${id} has its state`);
  return decodeDirectoryState(stored);
}

/** Directories have no bytes; clients like to see a block. */
const DIRECTORY_SIZE_BYTES = 4096;

export function attributesOf(view: View, { id, inode, state }: Node): FileAttributes {
  const { device } = inode;
  const usedBytes = inode.body.kind === 'empty' ? 0 : inode.sizeBytes;
  const attributes = {
    volume: view.volume.id,
    inode: id,
    generation: inode.generation,
    type: inode.type,
    mode: inode.mode,
    uid: inode.uid,
    gid: inode.gid,
    nlink: state ? 2 + state.subdirectories : inode.nlink,
    sizeBytes: state ? DIRECTORY_SIZE_BYTES : inode.sizeBytes,
    usedBytes: state ? DIRECTORY_SIZE_BYTES : usedBytes,
    atime: inode.atime,
    mtime: state ? state.mtime : inode.mtime,
    ctime: state ? later(inode.ctime, state.ctime) : inode.ctime,
    change: state ? inode.change + state.change : inode.change,
  };
  return device ? { ...attributes, device } : attributes;
}

const later = (one: Timestamp, other: Timestamp): Timestamp => (one > other ? one : other);

/** The attributes of `before` and of the same inode as this transaction has left it. */
export function* beforeAfter(view: View, before: Node): Op<BeforeAfter> {
  return attributesOfBoth(view, before, yield* nodeOf(view, before.id));
}

/** The same where it is known what this transaction has stored of the inode, and of its state. */
export function attributesOfBoth(view: View, before: Node, after: Node): BeforeAfter {
  return { before: attributesOf(view, before), after: attributesOf(view, after) };
}

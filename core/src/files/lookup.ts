/** Look-ups: names to inodes, and what is known of an inode. */

import type { Op, ReadTx } from '@facet/engine';
import { FsError } from '../errors.ts';
import { ROOT_INODE, type VolumeId } from '../ids.ts';
import { assert } from '../invariant.ts';
import { inlineKey } from '../meta/keys.ts';
import { findLongName } from '../tree/longNames.ts';
import { viewVolume } from '../tree/scope.ts';
import { dotName, resolveEntry } from './names.ts';
import { attributesOf, loadDirectoryNode, loadNode, nodeOf } from './nodes.ts';
import { allows, EXECUTE, mustAllow, READ, WRITE } from './permission.ts';
import type { Caller, EntryRef, FileAttributes, FileRef } from './types.ts';

interface On {
  readonly caller: Caller;
  readonly file: FileRef;
}

export function* root(tx: ReadTx, args: { readonly volume: VolumeId }): Op<FileAttributes> {
  const view = yield* viewVolume(tx, args.volume);
  return attributesOf(view, yield* nodeOf(view, ROOT_INODE));
}

export function* lookup(
  tx: ReadTx,
  args: EntryRef & { readonly caller: Caller },
): Op<{ readonly file?: FileAttributes; readonly parent: FileAttributes }> {
  const view = yield* viewVolume(tx, args.parent.volume);
  const parent = yield* loadDirectoryNode(view, args.parent);
  mustAllow(args.caller, parent, EXECUTE);
  const answer = { parent: attributesOf(view, parent) };
  switch (dotName(args)) {
    case 'self':
      return { ...answer, file: answer.parent };
    case 'parent':
      return { ...answer, file: attributesOf(view, yield* nodeOf(view, parent.inode.place.parent)) };
  }
  const dentry = yield* resolveEntry(view, parent.id, args);
  return dentry ? { ...answer, file: attributesOf(view, yield* nodeOf(view, dentry.inode)) } : answer;
}

/** No leave is needed: whoever has the digest has the name. */
export function* longName(
  tx: ReadTx,
  args: { readonly directory: FileRef; readonly digest: Buffer },
): Op<Buffer | undefined> {
  const view = yield* viewVolume(tx, args.directory.volume);
  return yield* findLongName(view, args.directory.inode, args.digest);
}

export function* getattr(tx: ReadTx, args: { readonly file: FileRef }): Op<FileAttributes> {
  const view = yield* viewVolume(tx, args.file.volume);
  return attributesOf(view, yield* loadNode(view, args.file));
}

export function* access(
  tx: ReadTx,
  { caller, file }: On,
): Op<{
  readonly file: FileAttributes;
  readonly read: boolean;
  readonly write: boolean;
  readonly execute: boolean;
}> {
  const view = yield* viewVolume(tx, file.volume);
  const node = yield* loadNode(view, file);
  const may = (wanted: number): boolean => allows(caller, node.inode, wanted);
  return { file: attributesOf(view, node), read: may(READ), write: may(WRITE), execute: may(EXECUTE) };
}

export function* readlink(
  tx: ReadTx,
  { file }: On,
): Op<{ readonly target: Buffer; readonly file: FileAttributes }> {
  const view = yield* viewVolume(tx, file.volume);
  const node = yield* loadNode(view, file);
  if (node.inode.type !== 'symlink') throw new FsError('Invalid', `inode ${node.id} is no symlink`);
  const target = yield* tx.get(inlineKey(view.layer, node.id));
  assert(target !== undefined, `symlink ${node.id} has its target`);
  return { target: Buffer.from(target), file: attributesOf(view, node) };
}

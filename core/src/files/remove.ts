/** REMOVE and RMDIR. */

import type { Op } from '@facet/engine';
import type { Command } from '../commands/command.ts';
import { FsError } from '../errors.ts';
import type { Dentry } from '../meta/records/tree.ts';
import { takeEntry } from '../tree/directories.ts';
import { dropName } from '../tree/links.ts';
import { type Change, changeVolume } from '../tree/scope.ts';
import { mustResolve } from './names.ts';
import { attributesOfBoth, type DirectoryNode, loadDirectoryNode, type Node, nodeOf } from './nodes.ts';
import { EXECUTE, mustAllow, mustRemove } from './permission.ts';
import type { BeforeAfter, FileRef, RemoveArgs } from './types.ts';

interface Named {
  readonly parent: DirectoryNode;
  readonly dentry: Dentry;
  readonly node: Node;
}

interface Removed {
  readonly parent: BeforeAfter;
  readonly gone?: FileRef;
}

export const remove: Command<RemoveArgs, Removed> = {
  name: 'remove',
  runsWhenFull: true,
  *run(tx, args, context) {
    const change = yield* changeVolume(tx, args.parent.volume, context);
    const named = yield* findNamed(change, args);
    if (named.node.state)
      throw new FsError('IsDirectory', `${JSON.stringify(`${args.name}`)} is a directory`);
    return yield* removeNamed(change, args.name, named);
  },
};

export const rmdir: Command<RemoveArgs, { readonly parent: BeforeAfter }> = {
  name: 'rmdir',
  runsWhenFull: true,
  *run(tx, args, context) {
    const change = yield* changeVolume(tx, args.parent.volume, context);
    const named = yield* findNamed(change, args);
    mustBeEmpty(named.node);
    return yield* removeNamed(change, args.name, named);
  },
};

/** @throws FsError NotDirectory | NotEmpty */
export function mustBeEmpty({ id, inode, state }: Node): void {
  if (!state) throw new FsError('NotDirectory', `inode ${id} is a ${inode.type}`);
  if (state.entries > 0) throw new FsError('NotEmpty', `directory ${id} has ${state.entries} entries`);
}

/** @throws FsError NoEntry | AccessDenied | NotPermitted */
function* findNamed(change: Change, args: RemoveArgs): Op<Named> {
  const parent = yield* loadDirectoryNode(change, args.parent);
  mustAllow(args.caller, parent, EXECUTE);
  const dentry = yield* mustResolve(change, parent.id, args);
  const node = yield* nodeOf(change, dentry.inode);
  mustRemove(args.caller, parent, node.inode);
  return { parent, dentry, node };
}

function* removeNamed(change: Change, name: Buffer, { parent, dentry, node }: Named): Op<Removed> {
  const entry = { parent: parent.id, name, dentry, door: 'file' } as const;
  const state = yield* takeEntry(change, entry, parent.state);
  const left = yield* dropName(change, node, { parent: parent.id, cookie: dentry.cookie });
  const { id, inode } = node;
  const gone = { volume: change.volume.id, inode: id, generation: inode.generation };
  return { parent: attributesOfBoth(change, parent, { ...parent, state }), ...(!left && { gone }) };
}

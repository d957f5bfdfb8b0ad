/** CREATE in its three modes, MKDIR, SYMLINK and MKNOD. */

import type { Op } from '@facet/engine';
import type { Command } from '../commands/command.ts';
import { FsError } from '../errors.ts';
import type { Dentry } from '../meta/records/tree.ts';
import { type Change, changeVolume } from '../tree/scope.ts';
import { findInTheWay, makeAtFreeName, makeInode } from './make.ts';
import { attributesOf, attributesOfBoth, type DirectoryNode, loadDirectoryNode, nodeOf } from './nodes.ts';
import { isRoot, mustBeWritable } from './permission.ts';
import { resizeFile } from './setattr.ts';
import type { CreateArgs, Created, MkdirArgs, MknodArgs, SymlinkArgs } from './types.ts';

const TARGET_BYTES_MAX = 4095;

export const create: Command<CreateArgs, Created> = {
  name: 'create',
  *run(tx, args, context) {
    const change = yield* changeVolume(tx, args.parent.volume, context);
    const { caller, name, how } = args;
    const parent = yield* loadDirectoryNode(change, args.parent);
    const { directory, other } = yield* findInTheWay(change, { caller, parent, name, type: 'file' });
    const present = directory ?? other;
    if (present) return yield* createOver(change, { parent, present, args });
    const wanted = { caller, parent, name, type: 'file' } as const;
    return how.kind === 'exclusive'
      ? yield* makeInode(change, { ...wanted, attributes: {}, createVerifier: how.verifier })
      : yield* makeInode(change, { ...wanted, attributes: how.attributes });
  },
};

interface Over {
  readonly parent: DirectoryNode;
  readonly present: Dentry;
  readonly args: CreateArgs;
}

/** @throws FsError Exists | IsDirectory | AccessDenied */
function* createOver(change: Change, { parent, present, args }: Over): Op<Created> {
  const { caller, name, how } = args;
  let node = yield* nodeOf(change, present.inode);
  const exists = new FsError('Exists', `${JSON.stringify(`${name}`)} exists already`);
  if (how.kind === 'guarded') throw exists;
  if (how.kind === 'exclusive') {
    const { createVerifier } = node.inode;
    if (!createVerifier || !how.verifier.equals(createVerifier)) throw exists;
  } else {
    if (present.type === 'directory') throw new FsError('IsDirectory', `${exists.message}, as a directory`);
    if (present.type !== 'file') throw exists;
    const { sizeBytes } = how.attributes;
    if (sizeBytes !== undefined) {
      mustBeWritable(caller, node);
      node = { ...node, inode: yield* resizeFile(change, node, { caller, sizeBytes }) };
    }
  }
  return {
    file: attributesOf(change, node),
    made: false,
    parent: attributesOfBoth(change, parent, parent),
  };
}

export const mkdir: Command<MkdirArgs, Created> = {
  name: 'mkdir',
  *run(tx, args, context) {
    const change = yield* changeVolume(tx, args.parent.volume, context);
    const parent = yield* loadDirectoryNode(change, args.parent);
    return yield* makeAtFreeName(change, { ...args, parent, type: 'directory' });
  },
};

export const symlink: Command<SymlinkArgs, Created> = {
  name: 'symlink',
  *run(tx, args, context) {
    const { target } = args;
    if (target.length > TARGET_BYTES_MAX) {
      throw new FsError('NameTooLong', `a symlink's target has at most ${TARGET_BYTES_MAX} bytes`);
    }
    if (target.length === 0 || target.includes(0)) {
      throw new FsError('Invalid', "a symlink's target has at least one byte and no NUL");
    }
    const change = yield* changeVolume(tx, args.parent.volume, context);
    const parent = yield* loadDirectoryNode(change, args.parent);
    return yield* makeAtFreeName(change, { ...args, parent, type: 'symlink' });
  },
};

export const mknod: Command<MknodArgs, Created> = {
  name: 'mknod',
  *run(tx, args, context) {
    const change = yield* changeVolume(tx, args.parent.volume, context);
    const parent = yield* loadDirectoryNode(change, args.parent);
    if ('device' in args && !isRoot(args.caller)) {
      throw new FsError('NotPermitted', 'only root makes devices');
    }
    return yield* makeAtFreeName(change, { ...args, parent });
  },
};

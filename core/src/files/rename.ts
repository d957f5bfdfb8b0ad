/** RENAME: a new name for an inode, whose bytes, entries and other names stay where they are. */

import type { Op } from '@facet/engine';
import type { Command } from '../commands/command.ts';
import { FsError } from '../errors.ts';
import { type InodeId, ROOT_INODE } from '../ids.ts';
import type { Dentry } from '../meta/records/tree.ts';
import { giveUpObject, isBytesOfDirectory } from '../tree/bytesOfDirectory.ts';
import {
  findTwins,
  insertEntry,
  removeEntry,
  repointEntry,
  storeDirectory,
  type Twins,
} from '../tree/directories.ts';
import { loadInode } from '../tree/inodes.ts';
import { dropName, moveName } from '../tree/links.ts';
import { type Change, changeVolume, type View } from '../tree/scope.ts';
import { checkNewName, dotName, mustResolve } from './names.ts';
import { beforeAfter, type DirectoryNode, loadDirectoryNode, type Node, nodeOf } from './nodes.ts';
import { CHANGE_ENTRIES, EXECUTE, mustAllow, mustRemove, WRITE } from './permission.ts';
import { mustBeEmpty } from './remove.ts';
import type { BeforeAfter, Caller, EntryRef, RenameArgs } from './types.ts';

/** A deeper tree is not walked within one transaction. */
const DEPTH_MAX = 100_000;

interface Rename {
  readonly caller: Caller;
  readonly from: { readonly parent: DirectoryNode; readonly name: Buffer; readonly dentry: Dentry };
  readonly to: { readonly parent: DirectoryNode; readonly ref: EntryRef; readonly twins: Twins };
  readonly node: Node;
  readonly silly: boolean;
}

export const rename: Command<RenameArgs, { readonly from: BeforeAfter; readonly to: BeforeAfter }> = {
  name: 'rename',
  // How clients remove what they have open.
  runsWhenFull: ({ silly }) => silly === true,
  *run(tx, args, context) {
    const { volume } = args.from.parent;
    if (args.to.parent.volume !== volume) throw new FsError('CrossVolume', 'a name stays within its volume');
    const change = yield* changeVolume(tx, volume, context);
    const move = yield* findMove(change, args);
    const replaced = yield* whatGives(change, move);
    if (replaced !== 'nothing happens') yield* carryOut(change, move, replaced);
    return {
      from: yield* beforeAfter(change, move.from.parent),
      to: yield* beforeAfter(change, move.to.parent),
    };
  },
};

/** @throws FsError NoEntry | AccessDenied | Invalid */
function* findMove(change: Change, { caller, from, to, silly }: RenameArgs): Op<Rename> {
  const source = yield* loadDirectoryNode(change, from.parent);
  const target = yield* loadDirectoryNode(change, to.parent);
  mustAllow(caller, source, EXECUTE);
  mustAllow(caller, target, EXECUTE);
  const dentry = yield* mustResolve(change, source.id, from);
  if (dotName(to)) throw new FsError('Invalid', `nothing can be renamed to ${to.name}`);
  const twins = yield* findTwins(change, target.id, to.name);
  if (!twins.directory && !twins.other) checkNewName(to.name, { parent: target.id, type: dentry.type });
  return {
    caller,
    from: { parent: source, name: from.name, dentry },
    to: { parent: target, ref: to, twins },
    node: yield* nodeOf(change, dentry.inode),
    silly: silly === true,
  };
}

/**
 * The entry that gives way, if any.
 * @throws FsError AccessDenied | NotPermitted | IsDirectory | NotDirectory | NotEmpty | Invalid
 */
function* whatGives(change: Change, move: Rename): Op<Dentry | undefined | 'nothing happens'> {
  return move.node.state ? yield* whatGivesToDirectory(change, move) : yield* whatGivesToFile(change, move);
}

function* whatGivesToFile(change: Change, move: Rename): Op<Dentry | undefined | 'nothing happens'> {
  const { caller, from, to, node } = move;
  const { directory, other } = to.twins;
  const addressed = to.ref.directory === false || !directory ? other : undefined;
  if (addressed?.inode === node.id) return 'nothing happens';
  mustRemove(caller, from.parent, node.inode);
  mustAllow(caller, to.parent, CHANGE_ENTRIES);
  if (directory) throw new FsError('IsDirectory', `${quoted(to.ref.name)} is a directory`);
  if (other) mustRemove(caller, to.parent, (yield* nodeOf(change, other.inode)).inode);
  return other;
}

function* whatGivesToDirectory(change: Change, move: Rename): Op<Dentry | undefined | 'nothing happens'> {
  const { caller, from, to, node } = move;
  const { directory, other } = to.twins;
  const addressed = to.ref.directory === false ? other : (directory ?? other);
  if (addressed?.inode === node.id) return 'nothing happens';
  mustRemove(caller, from.parent, node.inode);
  mustAllow(caller, to.parent, CHANGE_ENTRIES);
  if (from.parent.id !== to.parent.id) {
    // The moved directory's own `..` changes.
    mustAllow(caller, node, WRITE);
    yield* mustNotLead(change, to.parent.id, node.id);
  }
  if (!addressed) {
    // The form asked for is free, and what has the other form is a directory.
    if (directory) throw new FsError('Exists', `${quoted(to.ref.name)} is a directory already`);
    return undefined;
  }
  const given = yield* nodeOf(change, addressed.inode);
  mustRemove(caller, to.parent, given.inode);
  mustBeEmpty(given);
  return addressed;
}

const quoted = (name: Buffer): string => JSON.stringify(`${name}`);

/** Walks up from a directory. @throws FsError Invalid (it comes to `inode`) */
function* mustNotLead(view: View, directory: InodeId, inode: InodeId): Op<number> {
  let at = directory;
  for (let depth = 0; depth < DEPTH_MAX; depth += 1) {
    if (at === inode) throw new FsError('Invalid', `directory ${inode} cannot be moved into itself`);
    if (at === ROOT_INODE) return depth;
    at = (yield* loadInode(view, at)).place.parent;
  }
  throw new FsError('Invalid', `directory ${directory} lies more than ${DEPTH_MAX} levels deep`);
}

function* carryOut(change: Change, move: Rename, replaced: Dentry | undefined): Op<Dentry | undefined> {
  const { from, to, node, silly } = move;
  const [source, target, name] = [from.parent.id, to.parent.id, to.ref.name];
  const hidden = silly && !node.state ? ({ hidden: true } as const) : {};
  const moved = { inode: node.id, type: node.inode.type, ...hidden };
  yield* removeEntry(change, { parent: source, name: from.name, dentry: from.dentry, door: 'file' });
  let cookie = replaced?.cookie;
  if (replaced) {
    yield* repointEntry(change, { parent: target, name, dentry: replaced, to: moved, door: 'file' });
    const gone = yield* nodeOf(change, replaced.inode);
    yield* dropName(change, gone, { parent: target, cookie: replaced.cookie });
  }
  // Within its directory an entry keeps its place: who renames all that he reads would else read it for ever.
  const place = source === target ? { place: from.dentry.cookie } : {};
  if (isBytesOfDirectory(name)) giveUpObject(change, to.parent);
  cookie ??= yield* insertEntry(change, { parent: target, name, ...moved, ...place, door: 'file' });
  // Who gave it this name does not see it go by itself.
  if (node.state) storeDirectory(change, node.id, { ...node.state, explicit: true });
  moveName(change, node, {
    from: { parent: source, cookie: from.dentry.cookie },
    to: { parent: target, cookie },
  });
  return replaced;
}

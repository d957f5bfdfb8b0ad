/** LINK: one more name of a file. */

import type { Command } from '../commands/command.ts';
import { FsError } from '../errors.ts';
import { insertEntry } from '../tree/directories.ts';
import { addName } from '../tree/links.ts';
import { changeVolume } from '../tree/scope.ts';
import { findInTheWay } from './make.ts';
import { beforeAfter, loadDirectoryNode, loadNode } from './nodes.ts';
import { CHANGE_ENTRIES, mustAllow } from './permission.ts';
import type { BeforeAfter, LinkArgs } from './types.ts';

/** Link counts are 32 bits wide on every wire. */
const LINKS_MAX = 2 ** 32 - 1;

export const link: Command<LinkArgs, { readonly file: BeforeAfter; readonly parent: BeforeAfter }> = {
  name: 'link',
  *run(tx, args, context) {
    const { caller, name } = args;
    const { volume } = args.file;
    if (args.parent.volume !== volume) throw new FsError('CrossVolume', 'a name stays within its volume');
    const change = yield* changeVolume(tx, volume, context);
    const node = yield* loadNode(change, args.file);
    const parent = yield* loadDirectoryNode(change, args.parent);
    const { directory, other } = yield* findInTheWay(change, { caller, parent, name });
    if (directory ?? other) throw new FsError('Exists', `${JSON.stringify(`${name}`)} exists already`);
    mustAllow(caller, parent, CHANGE_ENTRIES);
    const { type, nlink } = node.inode;
    if (type === 'directory') throw new FsError('NotPermitted', `directory ${node.id} has one name only`);
    if (nlink >= LINKS_MAX) throw new FsError('TooManyLinks', `inode ${node.id} has ${nlink} names`);
    const cookie = yield* insertEntry(change, {
      parent: parent.id,
      name,
      inode: node.id,
      type,
      door: 'file',
    });
    addName(change, node, { parent: parent.id, cookie });
    return { file: yield* beforeAfter(change, node), parent: yield* beforeAfter(change, parent) };
  },
};

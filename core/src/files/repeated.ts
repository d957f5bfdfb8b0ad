/** The operations that a client may ask for twice and that must be done once, and what they answer again. */

import type { Op, ReadTx } from '@facet/engine';
import { type Answers, answeredOnce } from '../calls/answeredOnce.ts';
import type { Command } from '../commands/command.ts';
import { assert } from '../invariant.ts';
import type { AnsweredCall } from '../meta/records/call.ts';
import { viewVolume } from '../tree/scope.ts';
import * as creation from './create.ts';
import { link as linkOnce } from './link.ts';
import { attributesOf, loadNode } from './nodes.ts';
import { remove as removeOnce, rmdir as rmdirOnce } from './remove.ts';
import { rename as renameOnce } from './rename.ts';
import { setattr as setattrOnce } from './setattr.ts';
import type { BeforeAfter, Created, FileRef, MkdirArgs } from './types.ts';

/** An inode as it is: the change lies further back. */
export function* unchanged(tx: ReadTx, ref: FileRef): Op<BeforeAfter> {
  const view = yield* viewVolume(tx, ref.volume);
  const now = attributesOf(view, yield* loadNode(view, ref));
  return { before: now, after: now };
}

const created: Answers<{ readonly parent: FileRef }, Created> = {
  named: ({ file: { inode, generation }, made }) => ({ inode, generation, isNew: made }),
  *again(tx, { parent }, { named }: AnsweredCall) {
    assert(named !== undefined, 'an answered call that makes something says what it made');
    const { inode, generation, isNew } = named;
    const file = yield* unchanged(tx, { volume: parent.volume, inode, generation });
    return { file: file.after, made: isNew, parent: yield* unchanged(tx, parent) };
  },
};

const removed: Answers<
  { readonly parent: FileRef },
  { readonly parent: BeforeAfter; readonly gone?: FileRef }
> = {
  again: function* (tx, { parent }) {
    return { parent: yield* unchanged(tx, parent) };
  },
};

export const create = answeredOnce(creation.create, created);
export const mkdir: Command<MkdirArgs, Created> = answeredOnce(creation.mkdir, created);
export const symlink = answeredOnce(creation.symlink, created);
export const mknod = answeredOnce(creation.mknod, created);
export const remove = answeredOnce(removeOnce, removed);
export const rmdir = answeredOnce(rmdirOnce, removed);

export const link = answeredOnce(linkOnce, {
  *again(tx, { file, parent }) {
    return { file: yield* unchanged(tx, file), parent: yield* unchanged(tx, parent) };
  },
});

export const rename = answeredOnce(renameOnce, {
  *again(tx, { from, to }) {
    return { from: yield* unchanged(tx, from.parent), to: yield* unchanged(tx, to.parent) };
  },
});

export const setattr = answeredOnce(setattrOnce, {
  onFullDisk: ({ changes, ifCtime }, { before, after }) => {
    // As a removal is. Done again it would take what others have written behind it since.
    if (after.sizeBytes < before.sizeBytes) return 'remember';
    // So would one that cuts nothing off yet. What a ctime guards would be told that it was not done.
    return changes.sizeBytes === undefined && ifCtime === undefined ? 'forget' : 'refuse';
  },
  again: (tx, { file }) => unchanged(tx, file),
});

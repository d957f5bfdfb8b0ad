/** The implicit directories that an object leaves empty behind it go with it. */

import type { Op } from '@facet/engine';
import type { InodeId } from '../ids.ts';
import { assert } from '../invariant.ts';
import { cookieKey, dentryKey, directoryKey, inodeKey } from '../meta/keys.ts';
import type { Dentry } from '../meta/records/tree.ts';
import { loadDirectory, removeEntry } from '../tree/directories.ts';
import { unindexName } from '../tree/longNames.ts';
import { adjustUsage, type Change } from '../tree/scope.ts';
import type { Target } from './find.ts';

/** A directory that a key walks through, and its name. */
interface Step {
  readonly id: InodeId;
  readonly parent: InodeId;
  readonly name: Buffer;
  readonly dentry: Dentry;
}

/**
 * Removes implicit directories of the path that hold nothing any more, or nothing but another of them: as one chain,
 * since a key may have a thousand. @returns how many
 */
export function* prune(change: Change, target: Target): Op<number> {
  const steps = stepsOf(target);
  const chain: Step[] = [];
  for (const step of steps.reverse()) {
    const { explicit, entries } = yield* loadDirectory(change, step.id);
    // What was found to go below it is not taken away yet.
    if (explicit || entries > (chain.length > 0 ? 1 : 0)) break;
    chain.push(step);
  }
  const top = chain.pop();
  if (top === undefined) return 0;
  const count = chain.length + 1;
  // Reads come first: beside thousands of writes each would be dear.
  yield* removeEntry(change, { ...top, door: 'object' });
  yield* adjustUsage(change, { bytes: 0, inodes: -count });
  for (const step of chain) forgetOnlyEntry(change, step);
  for (const { id } of [top, ...chain]) forgetDirectory(change, id);
  return count;
}

function stepsOf({ trail, dentries, path }: Target): Step[] {
  return dentries.map((dentry, depth) => {
    const [parent, name] = [trail[depth], path.directories[depth]];
    assert(parent !== undefined && name !== undefined, 'the trail is whole');
    return { id: dentry.inode, parent, name, dentry };
  });
}

/** Its directory goes as well, so that neither counts nor times are kept, and it has no twin there. */
function forgetOnlyEntry(change: Change, { parent, name, dentry }: Step): void {
  const { tx, layer } = change;
  assert(!dentry.twin, 'the only entry of a directory has no twin');
  tx.delete(dentryKey(layer, parent, { name, directory: true }));
  tx.delete(cookieKey(layer, parent, dentry.cookie));
  unindexName(change, parent, name);
}

/** An implicit directory has no object's record, and so neither bytes nor tags. */
function forgetDirectory({ tx, layer }: Change, id: InodeId): void {
  tx.delete(directoryKey(layer, id));
  tx.delete(inodeKey(layer, id));
}

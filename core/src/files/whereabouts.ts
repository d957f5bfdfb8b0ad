/** Where a file is, in words for people: what an inode's number says to nobody. */

import type { Op, ReadTx } from '@facet/engine';
import { ROOT_INODE } from '../ids.ts';
import { cookieKey, inodeKey } from '../meta/keys.ts';
import { decodeInode } from '../meta/records/inode.ts';
import { decodeEntryName } from '../meta/records/tree.ts';
import { viewVolume } from '../tree/scope.ts';
import type { FileRef, Whereabouts } from './types.ts';

/** No path is longer: asked for where something is damaged, which might lead round in a circle. */
const DEPTH_MAX = 10_000;

export function* whereabouts(tx: ReadTx, { file }: { readonly file: FileRef }): Op<Whereabouts> {
  const { volume, layer } = yield* viewVolume(tx, file.volume);
  const names: Buffer[] = [];
  for (let at = file.inode; at !== ROOT_INODE && names.length < DEPTH_MAX; ) {
    const stored = yield* tx.get(inodeKey(layer, at));
    if (!stored) return { volume: volume.name };
    const { parent, cookie } = decodeInode(stored).place;
    const entry = yield* tx.get(cookieKey(layer, parent, cookie));
    if (!entry) return { volume: volume.name };
    names.unshift(decodeEntryName(entry).name);
    at = parent;
  }
  return { volume: volume.name, path: names.map(String).join('/') };
}

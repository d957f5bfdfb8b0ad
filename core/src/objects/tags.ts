/** GetObjectTagging, PutObjectTagging, DeleteObjectTagging. */

import type { Op, ReadTx } from '@facet/engine';
import type { Command } from '../commands/command.ts';
import { FsError } from '../errors.ts';
import type { VolumeId } from '../ids.ts';
import { tagsKey } from '../meta/keys.ts';
import { decodeTags, encodeObjectRecord, encodeTags } from '../meta/records/object.ts';
import { storeInode } from '../tree/inodes.ts';
import { changeVolume, type View, viewVolume } from '../tree/scope.ts';
import { type FoundObject, findObject } from './find.ts';
import type { Tags } from './types.ts';

/** @throws FsError NoEntry | Corrupt */
export function* getTags(tx: ReadTx, args: { readonly volume: VolumeId; readonly key: Buffer }): Op<Tags> {
  const view = yield* viewVolume(tx, args.volume);
  return yield* tagsOf(view, yield* findObject(view, args.key));
}

/** @throws FsError Corrupt */
export function* tagsOf(view: View, { id, record }: FoundObject): Op<Tags> {
  if (record.tagCount === 0) return [];
  const stored = yield* view.tx.get(tagsKey(view.layer, id));
  if (!stored)
    throw new FsError('Corrupt', `the ${record.tagCount} tags of an object are lost (inode ${id})`);
  return decodeTags(stored);
}

export const setTags: Command<
  { readonly volume: VolumeId; readonly key: Buffer; readonly tags: Tags },
  { readonly existed: boolean }
> = {
  name: 'setTags',
  runsWhenFull: ({ tags }) => tags.length === 0,
  *run(tx, args, context) {
    const change = yield* changeVolume(tx, args.volume, context);
    const { id, inode, record } = yield* findObject(change, args.key);
    const { tags } = args;
    if (tags.length > 0) tx.put(tagsKey(change.layer, id), encodeTags(tags));
    else tx.delete(tagsKey(change.layer, id));
    const object = encodeObjectRecord({ ...record, tagCount: tags.length });
    storeInode(change, id, { ...inode, object, ctime: change.now, change: inode.change + 1 });
    return { existed: record.tagCount > 0 };
  },
};

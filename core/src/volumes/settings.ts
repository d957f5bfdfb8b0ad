/** What an administrator sets of a volume: its quota, and what S3 tells of its files. */

import type { Command } from '../commands/command.ts';
import { FsError } from '../errors.ts';
import type { VolumeId } from '../ids.ts';
import { volumeKey } from '../meta/keys.ts';
import { encodeVolume } from '../meta/records/volume.ts';
import { changeVolume } from '../tree/scope.ts';
import type { Quota, Volume, VolumeSettings } from './types.ts';

export const setSettings: Command<
  { readonly volume: VolumeId; readonly changes: Partial<VolumeSettings> },
  Volume
> = {
  name: 'setSettings',
  runsWhenFull: true,
  *run(tx, args, context) {
    const { volume } = yield* changeVolume(tx, args.volume, context);
    const { posixMetadata: before, quota: _quota, ...rest } = volume;
    const posixMetadata = args.changes.posixMetadata ?? before;
    const quota = changedQuota(volume.quota, args.changes);
    const next: Volume = { ...rest, ...(posixMetadata && { posixMetadata }), ...(quota && { quota }) };
    tx.put(volumeKey(volume.id), encodeVolume(next));
    return next;
  },
};

/** @throws FsError Invalid */
function changedQuota(
  before: Quota | undefined,
  { quotaBytes, quotaInodes }: Partial<VolumeSettings>,
): Quota | undefined {
  const bytes = quotaBytes === undefined ? before?.bytes : (quotaBytes ?? undefined);
  const inodes = quotaInodes === undefined ? before?.inodes : (quotaInodes ?? undefined);
  for (const limit of [bytes, inodes]) {
    if (limit === undefined || (Number.isSafeInteger(limit) && limit >= 0)) continue;
    throw new FsError('Invalid', `${limit} is no quota: a whole number, 0 or more`);
  }
  if (bytes === undefined && inodes === undefined) return undefined;
  return { ...(bytes !== undefined && { bytes }), ...(inodes !== undefined && { inodes }) };
}

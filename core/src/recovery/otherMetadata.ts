/** Metadata that is not that of the containers beside it, found before anything is done to either. */

import { basename } from 'node:path';
import { containerName, type ExtentStore } from '@facet/extents';
import type { Commands } from '../commands/command.ts';
import { FsError } from '../errors.ts';
import { isMarked } from '../meta/format.ts';
import { counterKey } from '../meta/keys.ts';
import { decodeNumber } from '../meta/records/volume.ts';
import { CONTAINER_IDS } from './leases.ts';

/**
 * An id is leased durably before its container is made. So where there is a container with an id that was never
 * leased, the metadata is not its own: it is lost, lies in a place that is not mounted, or was restored from a backup
 * older than the containers. It would lease their ids again, and recovery would remove them.
 * @throws FsError Corrupt
 */
export async function refuseOtherMetadata(commands: Commands, extents: ExtentStore): Promise<void> {
  const greatest = await extents.greatest();
  if (greatest === undefined) return;
  const { marked, next } = await commands.read('openCore', function* (tx) {
    const stored = yield* tx.get(counterKey(CONTAINER_IDS));
    return { marked: yield* isMarked(tx), next: stored ? decodeNumber(stored) : 1 };
  });
  if (!marked) {
    throw new FsError(
      'Corrupt',
      `there is no metadata, but containers up to ${containerName(greatest)} with data: bring it back first`,
    );
  }
  if (greatest < next) return;
  const first = basename(containerName(next));
  throw new FsError(
    'Corrupt',
    `the metadata is older than the data: it knows of containers up to ${containerName(next - 1)}, and there are some up to ` +
      `${containerName(greatest)}. Nothing was changed. Bring back the metadata that belongs to them; or, to go back to the older ` +
      `state, bring back the extents of that time, or at least move the files named ${first} and higher out of ` +
      'extents/, and see what facet fsck finds',
  );
}

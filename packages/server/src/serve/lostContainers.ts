/** What a start finds out of containers that are not there, while it serves already. */

import type { Core, LostContainers } from '@facet/core';
import { containerName } from '@facet/extents';
import type { StoreWatcher } from '../store/open.ts';

/** Named in the log. */
const NAMED_MAX = 10;

export interface LookForLost {
  /** So far as is known. */
  count(): number;
  stop(): Promise<void>;
}

/** Begins the look; what can be served is served all the while, and afterwards. */
export function lookForLost({
  core,
  watcher,
}: {
  readonly core: Pick<Core, 'lookForLost'>;
  readonly watcher: StoreWatcher;
}): LookForLost {
  const ending = new AbortController();
  let count = 0;
  const over = core.lookForLost({ signal: ending.signal }).then(
    ({ lost }) => {
      count = lost.length;
      if (count > 0) watcher.error(describe(lost), LOST);
    },
    (error: unknown) => watcher.error({ err: error }, 'could not look whether all containers are there'),
  );
  return {
    count: () => count,
    async stop() {
      ending.abort();
      await over;
    },
  };
}

const LOST =
  "extents are lost, and the objects in them cannot be read: bring the files back from a backup; 'facet fsck' names the objects";

function describe(lost: LostContainers['lost']) {
  const of = (what: LostContainers['lost'][number]['what']) => {
    const found = lost.filter((one) => one.what === what);
    const files = found.slice(0, NAMED_MAX).map(({ container }) => containerName(container));
    return { count: found.length, files };
  };
  return { missing: of('missing'), cutShort: of('cut short') };
}

/** Who has the store compacted while others use it, until the power goes. */

import { type Core, FsError } from '../../src/index.ts';

export async function compactNowAndThen(world: {
  readonly core: Core;
  readonly idle: () => Promise<void>;
}): Promise<never> {
  for (;;) {
    await world.idle();
    await compact(world.core);
  }
}

/** On a full disk it may be refused. */
async function compact(core: Core): Promise<void> {
  try {
    const { damaged } = await core.compact({ bytesPerSecond: Number.POSITIVE_INFINITY });
    if (damaged > 0) throw new Error(`compaction found ${damaged} extents damaged`);
  } catch (error) {
    if (!(error instanceof FsError && error.code === 'NoSpace')) throw error;
  }
}

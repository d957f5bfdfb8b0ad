/** Who has the store compacted while others use it, and who gives it work, until the power goes. */

import { type Core, FsError, type FsErrorCode, type VolumeId } from '../../src/index.ts';
import { writing } from './actors/surroundings.ts';
import { Broken } from './invariants.ts';
import { isRefusal } from './refusals.ts';

export interface CompactedWorld {
  readonly core: Core;
  readonly volume: VolumeId;
  readonly idle: () => Promise<void>;
  /** Told of each time that it came to its end. */
  readonly onCompacted: () => void;
}

export async function compactNowAndThen({ core, idle, onCompacted }: CompactedWorld): Promise<never> {
  const mayWait = core.compactor ? REFUSED : REFUSED_BY_OTHERS;
  for (;;) {
    await idle();
    await unless(mayWait, async () => {
      const { damaged } = await core.compact({ bytesPerSecond: Number.POSITIVE_INFINITY });
      if (damaged > 0) throw new Broken('bytesAreKept', `compaction found ${damaged} extents damaged`);
      onCompacted();
    });
  }
}

const REFUSED: ReadonlySet<FsErrorCode> = new Set(['NoSpace']);
/** Another process that compacts is away now and then. */
const REFUSED_BY_OTHERS: ReadonlySet<FsErrorCode> = new Set(['NoSpace', 'Busy', 'Interrupted']);

async function unless(refused: ReadonlySet<FsErrorCode>, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof FsError && refused.has(error.code))) throw error;
  }
}

const CALLER = { uid: 0, gid: 0, groups: [] };
/** More than lie inline, and so many that they are merged. */
const PIECE_BYTES = 3000;
const PIECES = 10;

/** Writes a file that others write, replace and remove, too, from its beginning on. */
export async function writeInPieces({ core, volume, idle }: CompactedWorld): Promise<never> {
  for (let round = 0; ; round += 1) {
    await idle();
    const parent = await core.files.root({ volume });
    const at = { caller: CALLER, parent, name: Buffer.from('a'), directory: false };
    const { file } = await core.files.lookup(at);
    for (let piece = 0; file && piece < PIECES; piece += 1) {
      const bytes = Buffer.alloc(PIECE_BYTES, `<round ${round} piece ${piece}>`);
      const args = { caller: CALLER, file, offset: piece * PIECE_BYTES, data: [bytes] };
      try {
        await writing.run(bytes, () => core.files.write(args));
      } catch (error) {
        if (!isRefusal(error)) throw error;
        break;
      }
    }
  }
}

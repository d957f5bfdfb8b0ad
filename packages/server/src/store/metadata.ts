/** Opens the metadata of a store, with the journal that it and the extents share. */

import { statfs } from 'node:fs/promises';
import {
  EngineError,
  type LmdbEngine,
  openLmdbEngine,
  type ReaderNotice,
  type RemadeFreeList,
  removeUnfinished,
} from '@facet/engine';
import { allocateRun, ByteReplay, NodeDisk } from '@facet/extents';
import { Journal, JournalDamaged, type JournalOptions } from '@facet/journal';
import { restoreCrashSignals } from '../crashSignals.ts';
import { EXIT } from '../exitCodes.ts';
import { CommandFailure } from '../failure.ts';
import { damageBehind } from './damage.ts';
import { makeDataDirectory } from './directory.ts';
import type { StoreLayout } from './layout.ts';
import { readStoreState } from './lock.ts';
import { diskReserve } from './reserve.ts';

export interface OpenMetadata {
  /** Closes the journal, too. */
  readonly engine: LmdbEngine;
  readonly journal: Journal;
}

const GROWTH_BYTES_MAX = 48 << 20;
const GROWTH_BYTES_MIN = 1 << 20;
/** What LMDB takes before it may use its pages again is missed on a small disk. */
const GROWTH_SHARE_OF_DISK = 1 / 64;

export interface MetadataWatcher extends Pick<JournalOptions, 'onWritten'> {
  /** The device failed: the process must end. */
  readonly onFatal?: (error: EngineError) => void;
  /** Of other processes that read it. */
  readonly notice?: ReaderNotice;
  /** Has LMDB's pages looked at first, for so long at most: with one that is damaged it does not open. */
  readonly pageCheckMsMax?: number;
  /** Told that of these only the list of free pages was wrong, which was made anew. */
  readonly onRemadeFreeList?: (remade: RemadeFreeList) => void;
}

/**
 * The lock is held by the caller. What the journal holds is brought back first, of extents as well.
 * @throws EngineError, CommandFailure Corrupt (6)
 */
export async function openMetadata(
  layout: StoreLayout,
  watcher: MetadataWatcher = {},
): Promise<OpenMetadata> {
  restoreCrashSignals();
  try {
    return await open(layout, watcher);
  } catch (error) {
    if (!(error instanceof EngineError && error.code === 'Full')) throw error;
    // Replaying takes room as the writes did, and on a full disk may find less. Whoever needs it next restores it.
    await (await diskReserve(layout)).release();
    return await open(layout, watcher);
  }
}

async function open(
  layout: StoreLayout,
  { onFatal, onWritten, notice, pageCheckMsMax, onRemadeFreeList }: MetadataWatcher,
): Promise<OpenMetadata> {
  makeDataDirectory(layout.metadata);
  await removeUnfinished(layout.metadata);
  const journal = await Journal.open({
    disk: new NodeDisk(layout.metadata),
    ...(onWritten && { onWritten }),
  }).catch((error: unknown) => {
    throw damageOf(error);
  });
  if (!journal.hasBegun && readStoreState(layout.lock) === 'open') {
    await journal.close();
    throw damageOf(new JournalDamaged('it is gone, and the store was in use when it was there last'));
  }
  const bytes = new ByteReplay(new NodeDisk(layout.extents));
  journal.attach(() => bytes.settle());
  const { blocks, bsize } = await statfs(layout.metadata);
  const share = Math.floor(blocks * bsize * GROWTH_SHARE_OF_DISK);
  try {
    const engine = await openLmdbEngine({
      path: layout.metadata,
      ...(onFatal && { onFatal }),
      ...(notice && { notice }),
      ...(pageCheckMsMax !== undefined && { pageCheckMsMax }),
      ...(onRemadeFreeList && { onRemadeFreeList }),
      journal: {
        journal,
        replay: (record) => bytes.replay(record),
        growthBytesMax: Math.min(GROWTH_BYTES_MAX, Math.max(GROWTH_BYTES_MIN, share)),
        allocate: allocateRun,
        // Whoever needs it next restores it.
        releaseReserve: async () => (await diskReserve(layout)).release(),
      },
    });
    return { engine, journal };
  } catch (error) {
    await bytes.abandon();
    await journal.close();
    throw await damageBehind(damageOf(error), layout);
  }
}

function damageOf(error: unknown): unknown {
  const isPages = error instanceof EngineError && error.code === 'Damaged';
  if (!isPages && !(error instanceof JournalDamaged)) return error;
  const what = isPages ? error.message : `the journal of the metadata can not be replayed: ${error.message}`;
  const message = `${what}. 'facet restore' brings a backup back`;
  return new CommandFailure({ exitCode: EXIT.damage, code: 'Corrupt', message });
}

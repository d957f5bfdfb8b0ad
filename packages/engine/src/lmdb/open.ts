import { mkdir, open } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { type Journal, RECORD, type ReadRecord } from '@facet/journal';
import { EngineError } from '../contract.ts';
import { ColdReads } from './coldReads.ts';
import { TransactionCommit } from './commit.ts';
import { openDatabase } from './database.ts';
import { type Allocate, DATA_FILE, DataFile } from './dataFile.ts';
import { LmdbEngine } from './engine.ts';
import { diagnose, mayClose } from './failure.ts';
import { JournaledCommit } from './journaledCommit.ts';
import { fillLockFile } from './lockFile.ts';
import { restoreBase } from './metaPages.ts';
import { refuseOtherJournal } from './ownJournal.ts';
import { mendFreeList, type RemadeFreeList, refuseDamagedPages } from './pagesLook.ts';
import { checkOpenable } from './preflight.ts';
import type { ReaderNotice } from './readerNotice.ts';
import { LmdbStore } from './store.ts';

/**
 * Address space, not memory or disk. With less than the file needs, LMDB must map it anew as it grows. With more
 * than can be had in one piece, lmdb-js ends the process by a segmentation fault: and where addresses have 39 bits
 * (arm64 with three levels of 4 KiB pages, User-Mode Linux) V8's own reservations lie anywhere in 512 GiB.
 */
export const MAP_SIZE_BYTES_DEFAULT = 2 ** 36;

export interface LmdbEngineOptions {
  /** A directory, made when absent in one that is there. Every process that uses the same data opens the same path. */
  readonly path: string;
  /** Address space reserved for the file, which grows past it all the same. Default 64 GiB. */
  readonly mapSizeBytes?: number;
  /**
   * Makes small changes durable in one sync. This process is the only one then that may have the store open. The
   * engine closes it, once it is open.
   */
  readonly journal?: EngineJournal;
  /** Told of what readers in other processes do not see yet. */
  readonly notice?: ReaderNotice;
  /**
   * Has LMDB's pages looked at first, for so long at most: with one that is damaged the store does not open (Damaged), but,
   * with a journal, where only the list of free pages is. None is looked at unless told.
   */
  readonly pageCheckMsMax?: number;
  /** Told that LMDB's list of free pages was wrong, and was made anew. */
  readonly onRemadeFreeList?: (remade: RemadeFreeList) => void;
  /** Sees to metadata that are not in memory. One that asks the system unless told. */
  readonly cold?: ColdReads;
  /** Called once when the device failed. The process must end: what the disk holds is no longer known. */
  readonly onFatal?: (error: EngineError) => void;
}

export interface EngineJournal {
  readonly journal: Journal;
  /** Told of what the journal has to replay that is not the engine's, in order. */
  readonly replay: (record: ReadRecord) => Promise<void>;
  /** How much LMDB may write, to other places, before it is synced and they are free. 48 MiB unless told. */
  readonly growthBytesMax?: number;
  /** Takes room for LMDB's file ahead: fallocate(2). Unless told, zeros are written. */
  readonly allocate?: Allocate;
  /** Gives room that is held back on the disk to what has to be replayed. */
  readonly releaseReserve?: () => Promise<unknown>;
}

/**
 * Opens the store at `path`, or makes it. Without a journal several processes may have it open at once, as long as none opens it
 * while another writes (see `holdStill`). Any may die at any moment: what was acknowledged stays.
 * @throws EngineError Failed (what is at `path` is no store, or can not be read), Damaged, Full (with a journal to replay);
 * JournalDamaged
 */
export async function openLmdbEngine(options: LmdbEngineOptions): Promise<LmdbEngine> {
  const path = resolve(options.path);
  await makeDirectory(path);
  const { journal } = options;
  if (journal) await restore(path, journal.journal);
  await checkOpenable(path);
  const { pageCheckMsMax } = options;
  // Without a journal others may have it open.
  if (!journal) {
    if (pageCheckMsMax !== undefined) await refuseDamagedPages(path, pageCheckMsMax);
  } else {
    const remade = await mendFreeList(path, pageCheckMsMax).catch(async (cause: unknown) => {
      throw await diagnose(cause, path);
    });
    if (remade !== undefined) options.onRemadeFreeList?.(remade);
    await fillLockFile(path);
  }
  const mapSizeBytes = options.mapSizeBytes ?? MAP_SIZE_BYTES_DEFAULT;
  const store = new LmdbStore(
    openDatabase({ path, mapSizeBytes, noSync: journal !== undefined }),
    options.notice,
  );
  await refuseUnsealed(store, path);
  // LMDB syncs its file, but not the directory entries that lead to it.
  for (const directory of [path, dirname(path)]) await syncDirectory(directory);
  const onFatal = options.onFatal ?? (() => {});
  const cold = options.cold ?? new ColdReads();
  if (!journal) return new LmdbEngine({ store, cold, path, onFatal, commit: new TransactionCommit(store) });
  let engine: LmdbEngine | undefined;
  const handle = await open(join(path, DATA_FILE), 'r+');
  const parts = { ...journal, store, path, file: await DataFile.of(handle, journal.allocate) };
  const onFailure = (error: EngineError) => engine?.fail(error);
  const commit = await JournaledCommit.begin({ ...parts, onFailure }, journal.replay).catch(
    async (error: unknown) => {
      await handle.close();
      if (mayClose(error)) await store.close();
      throw error;
    },
  );
  engine = new LmdbEngine({ store, cold, path, onFatal, commit });
  return engine;
}

/** A store from before records had seals would seem to be damaged all through. @throws EngineError Failed | Damaged */
async function refuseUnsealed(store: LmdbStore, path: string): Promise<void> {
  try {
    const isSealed = store.holdsSealed();
    store.release();
    if (isSealed) return;
    throw new EngineError(
      'Failed',
      `the metadata in ${path} has no checksums: it is of an older version, which can still serve it, and this one cannot`,
    );
  } catch (cause) {
    if (mayClose(cause)) await store.close();
    throw await diagnose(cause, path);
  }
}

/** Brings the journal's base back, if there is one. */
async function restore(path: string, journal: Journal): Promise<void> {
  if (!journal.hasBegun) return;
  const name = join(path, DATA_FILE);
  const file = await open(name, 'r+').catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : cause;
    throw new EngineError('Failed', `there is a journal of the metadata, but not the metadata: ${reason}`, {
      cause,
    });
  });
  try {
    const { base } = journal;
    if (base === undefined) await refuseOtherJournal(file, journal);
    else await restoreBase(file, { base, journal, batches: await batchesIn(journal) });
  } finally {
    await file.close();
  }
}

/** Read to its end before anything is changed: where records are lost, LMDB's file may be the better one. */
async function batchesIn(journal: Journal): Promise<number> {
  let count = 0;
  for await (const { kind } of journal.replay()) if (kind === RECORD.batch) count += 1;
  return count;
}

/**
 * Not those above it: if one was moved away or unmounted, a new store in its place is what nobody wants. And where
 * mkdir cannot work, as in /proc, Node's recursive one tries for ever.
 */
async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return;
    const reason = error instanceof Error ? error.message : error;
    throw new EngineError('Failed', `${path} can not be made: ${reason}`, { cause: error });
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

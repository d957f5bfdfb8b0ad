import { mkdir, open } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { type Engine, EngineError } from '../contract.ts';
import { openDatabase } from './database.ts';
import { LmdbEngine } from './engine.ts';
import { checkOpenable } from './preflight.ts';
import { LmdbStore } from './store.ts';

/**
 * Address space, not memory or disk. With less than the file needs, LMDB must map it anew as it grows. With more
 * than can be had in one piece, lmdb-js ends the process by a segmentation fault: and where addresses have 39 bits
 * (arm64 with three levels of 4 KiB pages, User-Mode Linux) V8's own reservations lie anywhere in 512 GiB.
 */
const MAP_SIZE_BYTES_DEFAULT = 2 ** 36;

export interface LmdbEngineOptions {
  /** A directory, made when absent in one that is there. Every process that uses the same data opens the same path. */
  readonly path: string;
  /** Address space reserved for the file, which grows past it all the same. Default 64 GiB. */
  readonly mapSizeBytes?: number;
  /** Called once when the device failed. The process must end: what the disk holds is no longer known. */
  readonly onFatal?: (error: EngineError) => void;
}

/**
 * Opens the store at `path`, or makes it. Any number of processes may have it open at once, and any may die at
 * any moment: what was acknowledged stays.
 * @throws EngineError Failed (what is at `path` is no store, or can not be read)
 */
export async function openLmdbEngine(options: LmdbEngineOptions): Promise<Engine> {
  const path = resolve(options.path);
  await makeDirectory(path);
  await checkOpenable(path);
  const mapSizeBytes = options.mapSizeBytes ?? MAP_SIZE_BYTES_DEFAULT;
  const store = new LmdbStore(openDatabase({ path, mapSizeBytes }));
  // LMDB syncs its file, but not the directory entries that lead to it.
  for (const directory of [path, dirname(path)]) await syncDirectory(directory);
  return new LmdbEngine({ store, path, onFatal: options.onFatal ?? (() => {}) });
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

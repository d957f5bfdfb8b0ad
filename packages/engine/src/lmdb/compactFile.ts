/**
 * LMDB's file, written anew. It never shrinks by itself, and its pages are half empty where keys came in any order.
 *
 * All entries go to a new file beside, in their order, so that each page is full; it is synced, and renamed over the old
 * one. A copy of the pages as they are, which LMDB can make itself, leaves them as empty as they were, and names in its
 * header a transaction that no page of it is of: no journal could go on from that.
 */

import type { Buffer } from 'node:buffer';
import { mkdir, open, rename, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import type { Journal } from '@facet/journal';
import { type Bytes, EngineError } from '../contract.ts';
import { copyOut } from './copyOut.ts';
import { type BytesDatabase, openDatabase } from './database.ts';
import { DATA_FILE } from './dataFile.ts';
import { entryCountOf } from './environment.ts';
import { diagnose } from './failure.ts';
import { readNewestHeader } from './header.ts';
import { fillLockFile } from './lockFile.ts';
import { keepEpochs } from './ownJournal.ts';
import { checkOpenable } from './preflight.ts';

/** A folder, which is removed when it is found: what is in it is nobody's. */
const NEW_FOLDER = 'compact.new';
const LEAST_KEY: Bytes = Uint8Array.of(0);
const ENTRIES_PER_BATCH = 5_000;
const MAP_SIZE_BYTES = 2 ** 36;

export interface CompactFileOptions {
  /** The store's directory. Nobody has it open. */
  readonly path: string;
  /** That of the store, which was closed: nothing is to be replayed. It goes on from the old file. */
  readonly journal: Pick<Journal, 'suspend'>;
  readonly onProgress?: (progress: { readonly bytes: number; readonly bytesExpected: number }) => void;
}

export interface CompactedFile {
  readonly entries: number;
  readonly bytesBefore: number;
  readonly bytesAfter: number;
}

/**
 * Whatever cuts it off, the store is whole: the old file or the new one.
 * @throws EngineError Full (there is no room for a second file), Failed; JournalDamaged
 */
export async function compactFile({ path, journal, onProgress }: CompactFileOptions): Promise<CompactedFile> {
  await checkOpenable(path);
  await removeUnfinished(path);
  const data = join(path, DATA_FILE);
  const folder = join(path, NEW_FOLDER);
  const before = await sizeOf(data);
  await mustHaveRoom(path, before.usedBytes);
  try {
    const entries = await makeCopy({ from: path, to: folder }, (bytes) =>
      onProgress?.({ bytes, bytesExpected: before.usedBytes }),
    ).catch(async (cause: unknown) => {
      throw await diagnose(cause, path);
    });
    const { bytes: bytesAfter } = await sizeOf(join(folder, DATA_FILE));
    // From here on either file is right.
    await journal.suspend(async (epochs) => {
      for (const file of [join(folder, DATA_FILE), data]) await keepDurably(file, epochs);
    });
    await rename(join(folder, DATA_FILE), data);
    await sync(path);
    return { entries, bytesBefore: before.bytes, bytesAfter };
  } finally {
    await removeUnfinished(path);
  }
}

/** A record as LMDB has it: what is damaged stays so, and is told by who reads it. */
interface SealedEntry {
  readonly key: Bytes;
  readonly value: Buffer;
}

interface Folders {
  readonly from: string;
  readonly to: string;
}

/** @returns how many entries there are in it, when it is on stable storage */
async function makeCopy(folders: Folders, onBytes: (bytes: number) => void): Promise<number> {
  await mkdir(folders.to);
  for (const folder of [folders.from, folders.to]) await fillLockFile(folder);
  const entries = await copyEntries(folders, onBytes);
  await sync(join(folders.to, DATA_FILE));
  return entries;
}

/** What a run that was cut off left behind, which only takes room. */
export function removeUnfinished(path: string): Promise<void> {
  return rm(join(path, NEW_FOLDER), { recursive: true, force: true });
}

async function copyEntries(folders: Folders, onBytes: (bytes: number) => void): Promise<number> {
  const from = openDatabase({ path: folders.from, mapSizeBytes: MAP_SIZE_BYTES, noSync: true });
  const to = openDatabase({ path: folders.to, mapSizeBytes: MAP_SIZE_BYTES, noSync: true });
  try {
    let [entries, bytes] = [0, 0];
    // Without a start lmdb-js leaves out keys whose first byte is below 5.
    for (let start: Bytes = LEAST_KEY; ; ) {
      const range = { start, exclusiveStart: start !== LEAST_KEY, limit: ENTRIES_PER_BATCH };
      const page = Array.from(from.getRange(range).map(copied));
      append(to, page);
      entries += page.length;
      for (const { key, value } of page) bytes += key.length + value.length;
      onBytes(bytes);
      start = page.at(-1)?.key ?? start;
      if (page.length < ENTRIES_PER_BATCH) {
        mustBeAll(entries, { from, to });
        return entries;
      }
      // Ctrl-C, and a line that shows how far it is.
      await setImmediate();
    }
  } finally {
    await to.close();
    await from.close();
  }
}

/** What is left out would be gone for good. */
function mustBeAll(
  entries: number,
  { from, to }: { readonly from: BytesDatabase; readonly to: BytesDatabase },
): void {
  const [there, copied] = [entryCountOf(from), entryCountOf(to)];
  if (there === entries && copied === entries) return;
  throw new EngineError(
    'Failed',
    `of ${there} entries ${entries} were read, and ${copied} are in the new file`,
  );
}

function copied({ key, value }: SealedEntry): SealedEntry {
  return { key, value: copyOut(value, 0, value.length) };
}

function append(to: BytesDatabase, page: readonly SealedEntry[]): void {
  to.transactionSync(() => {
    for (const { key, value } of page) to.putSync(key, value, { append: true });
  });
}

async function sizeOf(file: string): Promise<{ readonly bytes: number; readonly usedBytes: number }> {
  const handle = await open(file, 'r');
  try {
    const header = await readNewestHeader(handle);
    const { size } = await handle.stat();
    if (header === undefined) throw new EngineError('Failed', `${file} is no metadata`);
    // Pages at its end that nothing was written to yet count as free.
    return { bytes: size, usedBytes: header.usedPages * header.pageSizeBytes };
  } finally {
    await handle.close();
  }
}

async function mustHaveRoom(path: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(path);
  if (bavail * bsize >= bytes) return;
  const message = `there are ${bavail * bsize} bytes of room beside the metadata in ${path}, and a second file may take ${bytes}`;
  throw new EngineError('Full', message);
}

/** The new file was made without: it goes with the journal as the old one does. */
async function keepDurably(path: string, epochs: readonly Uint8Array[]): Promise<void> {
  const file = await open(path, 'r+');
  try {
    await keepEpochs(file, epochs);
    await file.datasync();
  } finally {
    await file.close();
  }
}

async function sync(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Files of one folder for a journal: what the extents' disk gives it in the product. */

import { constants, copyFileSync } from 'node:fs';
import { type FileHandle, mkdir, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Journal, type JournalDisk, type JournalFile } from '@facet/journal';
import { type Engine, type LmdbEngine, type LmdbEngineOptions, openLmdbEngine } from '../src/index.ts';
import type { Allocate } from '../src/lmdb/dataFile.ts';
import { everything, readRange } from './shorthand.ts';

const { O_RDWR, O_CREAT, O_EXCL, O_DSYNC } = constants;

/** What a store with a journal is made of. */
export const FILES = ['data.mdb', '0.journal', '1.journal'] as const;
export const [DATA, ...JOURNALS] = FILES;

/** Opens the engine at `path` with a journal beside it. */
export async function openJournaled(
  options: LmdbEngineOptions & {
    readonly growthBytesMax?: number;
    readonly allocate?: Allocate;
    /** Called when the journal was replayed, before what it is replayed on is another state. */
    readonly beforeBase?: () => Promise<void>;
  },
): Promise<LmdbEngine> {
  const { growthBytesMax, allocate, beforeBase, ...rest } = options;
  await mkdir(options.path, { recursive: true });
  const journal = await Journal.open({ disk: folderDisk(options.path) });
  if (beforeBase) {
    let isDone = false;
    journal.attach(async () => {
      if (!isDone) await beforeBase();
      isDone = true;
    });
  }
  const replay = async () => {
    throw new Error('only batches are journaled here');
  };
  return openLmdbEngine({
    ...rest,
    journal: {
      journal,
      replay,
      ...(growthBytesMax !== undefined && { growthBytesMax }),
      ...(allocate && { allocate }),
    },
  }).catch(async (error: unknown) => {
    await journal.close();
    throw error;
  });
}

/** As it would be, were its process killed: nothing is written between one file and the next. */
export async function copyStore(from: string, to: string): Promise<void> {
  await mkdir(to);
  for (const file of FILES) copyFileSync(join(from, file), join(to, file));
}

/** Each key, with its value's length and first byte. */
export async function contents(engine: Engine): Promise<Record<string, string>> {
  const entries = await readRange(engine, { ...everything, limit: 100_000 });
  return Object.fromEntries(
    entries.map(({ key, value }) => [Buffer.from(key).toString(), `${value.length} ${value[0]}`]),
  );
}

export function folderDisk(folder: string): JournalDisk {
  const opened = async (name: string, flags: number) =>
    new HandleFile(await open(join(folder, name), flags, 0o600));
  return {
    create: (name) => opened(name, O_RDWR | O_CREAT | O_EXCL | O_DSYNC),
    open: (name) => opened(name, O_RDWR | O_DSYNC),
    status: (name) => stat(join(folder, name)).catch(() => undefined),
    syncDirectory: async () => undefined,
    memory: (bytes) => Buffer.allocUnsafe(bytes),
  };
}

class HandleFile implements JournalFile {
  readonly #handle: FileHandle;

  constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  async write(to: { readonly position: number; readonly buffers: readonly Uint8Array[] }): Promise<void> {
    const bytes = Buffer.concat(to.buffers);
    for (let at = 0; at < bytes.length; ) {
      at += (await this.#handle.write(bytes, at, bytes.length - at, to.position + at)).bytesWritten;
    }
  }

  async read(from: { readonly position: number; readonly buffers: readonly Uint8Array[] }): Promise<number> {
    return (await this.#handle.readv([...from.buffers], from.position)).bytesRead;
  }

  truncate(length: number): Promise<void> {
    return this.#handle.truncate(length);
  }

  async size(): Promise<number> {
    return (await this.#handle.stat()).size;
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '../contract.ts';
import { readNewestHeader } from './header.ts';
import { LEAVES_LONG, packFreeList } from './packedFreeList.ts';
import { checkPages, type DamagedPage, walkPages } from './pageCheck.ts';
import { remakeFreeList } from './remadeFreeList.ts';

const DATA_FILE = 'data.mdb';
const PAGES_NAMED_MAX = 10;

/** LMDB's list of free pages was wrong, and was made anew. */
export interface RemadeFreeList {
  /** What is free. */
  readonly pages: number;
  /** What was wrong with it. */
  readonly reason: string;
}

/**
 * Looks at LMDB's pages, for so long at most, of a file that others may have open.
 * @throws EngineError Damaged
 */
export async function refuseDamagedPages(path: string, msMax: number): Promise<void> {
  const damaged = new Named();
  await checkPages(path, (one) => damaged.add(one), { msMax });
  damaged.mustBeNone(path);
}

/**
 * Looks at LMDB's pages, for so long at most, of a file that nobody has open. A list of free pages that is wrong is made anew.
 * @throws EngineError Damaged: records are
 */
export async function mendFreePages(path: string, msMax: number): Promise<RemadeFreeList | undefined> {
  return withFile(path, async (file) => {
    const damaged = new Named();
    const ofFreePages = new Named();
    const onDamaged = (one: DamagedPage): void => (one.isOfFreePages ? ofFreePages : damaged).add(one);
    let walked = await walkPages(file, onDamaged, { msMax });
    const reason = ofFreePages.first;
    if (reason !== undefined && walked?.isWhole === false) walked = await walkPages(file, onDamaged);
    damaged.mustBeNone(path);
    return walked && reason !== undefined ? { pages: remakeFreeList(file.fd, walked), reason } : undefined;
  });
}

/** Packs the list of free pages of a file that nobody has open, if it is long: a version that did not may have written it. */
export async function packLongFreeList(path: string): Promise<void> {
  await withFile(path, async (file) => {
    const header = await readNewestHeader(file);
    if (header && header.trees.freePages.leafPages > LEAVES_LONG)
      packFreeList(file.fd, header, { isDurable: true });
  });
}

/** A new store has none. */
async function withFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T | undefined> {
  const file = await open(join(path, DATA_FILE), 'r+').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  try {
    return file && (await use(file));
  } finally {
    await file?.close();
  }
}

/** Damaged pages, the first few by name. */
class Named {
  readonly #names: string[] = [];
  count = 0;

  get first(): string | undefined {
    return this.#names[0];
  }

  add({ page, reason }: DamagedPage): void {
    this.count += 1;
    if (this.#names.length < PAGES_NAMED_MAX) this.#names.push(`page ${page}: ${reason}`);
  }

  /** @throws EngineError Damaged */
  mustBeNone(path: string): void {
    if (this.count === 0) return;
    const [those, are] = this.count === 1 ? ['one', 'is'] : [this.count, 'are'];
    const message = `${those} of the pages of ${join(path, DATA_FILE)} ${are} damaged, so that nothing in it is certain: ${this.#names.join('; ')}`;
    throw new EngineError('Damaged', message);
  }
}

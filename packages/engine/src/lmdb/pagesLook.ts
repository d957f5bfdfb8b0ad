import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '../contract.ts';
import { DATA_FILE } from './dataFile.ts';
import { checkFreeTree } from './freeTree.ts';
import { readNewestHeader } from './header.ts';
import { putFreeTree } from './newFreeTree.ts';
import { LEAVES_MAX, packedFreeList } from './packedFreeList.ts';
import { checkPages, type DamagedPage, type WalkedPages, walkPages } from './pageCheck.ts';
import { remadeFreeList } from './remadeFreeList.ts';

const PAGES_NAMED_MAX = 10;
/** Pages that one transaction took and gave back, at the end: the file may be shorter by as many. */
const UNWRITTEN_PAGES_MAX = 2 ** 18;

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
 * Of a file that nobody has open: looks at LMDB's pages, for so long at most, and in any case reads the list of free pages. One
 * that is wrong is made anew, for which all pages are looked at; one that is too long for LMDB, as a version that did not pack it
 * may have written it, is packed.
 * @param msMax no pages are looked at for their own sake unless told
 * @throws EngineError Damaged: records are; ENOSPC
 */
export async function mendFreeList(
  path: string,
  msMax: number | undefined,
): Promise<RemadeFreeList | undefined> {
  return withFile(path, async (file) => {
    const header = await readNewestHeader(file);
    if (header === undefined) return undefined;
    try {
      checkFreeTree(file.fd, header);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return remake(file, path, error.message);
    }
    const reason = msMax === undefined ? undefined : (await look(file, path, msMax)).reason;
    if (reason !== undefined) return remake(file, path, reason);
    if (header.trees.freePages.leafPages > LEAVES_MAX)
      putFreeTree(file.fd, header, { tree: packedFreeList(file.fd, header, []), isDurable: true });
    return undefined;
  });
}

/** @throws EngineError Damaged: records are; ENOSPC */
async function remake(file: FileHandle, path: string, reason: string): Promise<RemadeFreeList | undefined> {
  const { walked } = await look(file, path, Number.POSITIVE_INFINITY);
  if (walked === undefined) return undefined;
  const { header } = walked;
  if (header.usedPages + header.freePages > walked.ofData.length + UNWRITTEN_PAGES_MAX)
    throw new EngineError(
      'Damaged',
      `the header of ${join(path, DATA_FILE)} is damaged: it has no such last page`,
    );
  const { tree, pages } = remadeFreeList(walked);
  putFreeTree(file.fd, header, { tree, isDurable: true });
  return { pages, reason };
}

/** @throws EngineError Damaged: records are */
async function look(
  file: FileHandle,
  path: string,
  msMax: number,
): Promise<{ readonly walked: WalkedPages | undefined; readonly reason: string | undefined }> {
  const damaged = new Named();
  const ofFreePages = new Named();
  const onDamaged = (one: DamagedPage): void => (one.isOfFreePages ? ofFreePages : damaged).add(one);
  const walked = await walkPages(file, onDamaged, { msMax });
  damaged.mustBeNone(path);
  return { walked, reason: ofFreePages.first };
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

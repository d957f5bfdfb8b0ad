import { constants } from 'node:fs';
import { access, type FileHandle, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '../contract.ts';

/** Layout of LMDB's two meta pages, in the machine's byte order. */
const MAGIC_OFFSET = 24;
const VERSION_OFFSET = 28;
const PAGE_SIZE_OFFSET = 48;
/** Two trees, free pages and data: for each the numbers of its branch, leaf and overflow pages, and its root page. */
const TREE_OFFSETS = [48, 96] as const;
const TREE_COUNTS_OFFSET = 8;
const TREE_ROOT_OFFSET = 40;
const TRANSACTION_OFFSET = 152;
const HEADER_BYTES = 160;
/** The root of a tree that is empty. */
const NO_PAGE = 2n ** 64n - 1n;
const META_PAGES = 2;
const MAGIC = 0xbeefc0de;
const VERSION = 2;

/**
 * Refuses a directory that LMDB could not open. lmdb-js does not survive most failures to open: the process ends
 * by a segmentation fault, without a word.
 * @throws EngineError Failed
 */
export async function checkOpenable(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
    await checkFile(join(path, 'lock.mdb'));
    const data = join(path, 'data.mdb');
    if (await checkFile(data)) await checkHeaders(data);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : cause;
    throw new EngineError('Failed', `the metadata in ${path} can not be opened: ${reason}`, { cause });
  }
}

/** Resolves to whether there is such a file and it holds anything. */
async function checkFile(file: string): Promise<boolean> {
  const stats = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (stats === undefined) return false;
  if (!stats.isFile()) throw new Error(`${file} is not a file`);
  await access(file, constants.R_OK | constants.W_OK);
  return stats.size > 0;
}

async function checkHeaders(file: string): Promise<void> {
  const handle = await open(file, 'r');
  try {
    const first = await readHeader(handle, 0);
    const second = first && (await readHeader(handle, first.pageSizeBytes));
    if (first === undefined || second === undefined)
      throw new Error(`${file} is not an LMDB file of version ${VERSION}`);
    const newest = second.transaction > first.transaction ? second : first;
    // Looked at last: another process may be writing, and the file is never shorter than its header says.
    const { size } = await handle.stat();
    const neededBytes = newest.pages * first.pageSizeBytes;
    if (size < neededBytes)
      throw new Error(`${file} was cut: ${size} bytes are left of at least ${neededBytes}`);
  } finally {
    await handle.close();
  }
}

interface Header {
  readonly pageSizeBytes: number;
  readonly transaction: bigint;
  /** The file has at least as many: free ones at its end may never have been written. */
  readonly pages: number;
}

async function readHeader(handle: FileHandle, at: number): Promise<Header | undefined> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, at);
  if (bytesRead < HEADER_BYTES) return undefined;
  const fields = new Uint32Array(buffer.buffer, buffer.byteOffset, HEADER_BYTES / 4);
  if (fields[MAGIC_OFFSET / 4] !== MAGIC || fields[VERSION_OFFSET / 4] !== VERSION) return undefined;
  const wide = new BigUint64Array(buffer.buffer, buffer.byteOffset, HEADER_BYTES / 8);
  const wideAt = (offset: number): bigint => wide[offset / 8] ?? 0n;
  let used = BigInt(META_PAGES);
  let highest = BigInt(META_PAGES);
  for (const tree of TREE_OFFSETS) {
    for (const kind of [0, 8, 16]) used += wideAt(tree + TREE_COUNTS_OFFSET + kind);
    const root = wideAt(tree + TREE_ROOT_OFFSET);
    if (root !== NO_PAGE && root >= highest) highest = root + 1n;
  }
  return {
    pageSizeBytes: fields[PAGE_SIZE_OFFSET / 4] ?? 0,
    transaction: wideAt(TRANSACTION_OFFSET),
    pages: Number(used > highest ? used : highest),
  };
}

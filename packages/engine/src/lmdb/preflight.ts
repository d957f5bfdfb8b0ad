import { constants } from 'node:fs';
import { access, type FileHandle, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '../contract.ts';

/** Layout of LMDB's two meta pages, in the machine's byte order: magic, version, and the size of a page. */
const MAGIC_OFFSET = 24;
const VERSION_OFFSET = 28;
const PAGE_SIZE_OFFSET = 48;
const HEADER_BYTES = 52;
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
    if (second === undefined) throw new Error(`${file} is not an LMDB file of version ${VERSION}`);
  } finally {
    await handle.close();
  }
}

async function readHeader(handle: FileHandle, at: number): Promise<{ pageSizeBytes: number } | undefined> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEADER_BYTES), 0, HEADER_BYTES, at);
  if (bytesRead < HEADER_BYTES) return undefined;
  const fields = new Uint32Array(buffer.buffer, buffer.byteOffset, HEADER_BYTES / 4);
  if (fields[MAGIC_OFFSET / 4] !== MAGIC || fields[VERSION_OFFSET / 4] !== VERSION) return undefined;
  return { pageSizeBytes: fields[PAGE_SIZE_OFFSET / 4] ?? 0 };
}

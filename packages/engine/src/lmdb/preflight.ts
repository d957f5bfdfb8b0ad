import { constants } from 'node:fs';
import { access, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError } from '../contract.ts';
import { DATA_FILE } from './dataFile.ts';
import { readNewestHeader, VERSION } from './header.ts';

/**
 * Refuses a directory that LMDB could not open. lmdb-js does not survive most failures to open: the process ends
 * by a segmentation fault, without a word.
 * @throws EngineError Failed
 */
export async function checkOpenable(path: string): Promise<void> {
  try {
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
    await checkFile(join(path, 'lock.mdb'));
    const data = join(path, DATA_FILE);
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
    const newest = await readNewestHeader(handle);
    if (newest === undefined) throw new Error(`${file} is not an LMDB file of version ${VERSION}`);
    // Looked at last: another process may be writing, and the file is never shorter than its header says.
    const { size } = await handle.stat();
    const neededBytes = newest.pages * newest.pageSizeBytes;
    if (size < neededBytes)
      throw new Error(`${file} was cut: ${size} bytes are left of at least ${neededBytes}`);
  } finally {
    await handle.close();
  }
}

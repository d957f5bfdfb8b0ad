import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { DATA_FILE } from './dataFile.ts';
import { readNewestHeader } from './header.ts';

/**
 * Bytes of the free pages of LMDB's file in `path`. The file never shrinks: where metadata alone filled the disk,
 * they are all the room that deleting makes.
 */
export async function spareBytesOf(path: string): Promise<number> {
  const handle = await open(join(path, DATA_FILE), 'r');
  try {
    const header = await readNewestHeader(handle);
    return header ? header.freePages * header.pageSizeBytes : 0;
  } finally {
    await handle.close();
  }
}

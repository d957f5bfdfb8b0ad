import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { readNewestHeader } from './header.ts';

/**
 * Bytes of the free pages of LMDB's file in `path`. The file never shrinks: where metadata alone filled the disk,
 * they are all the room that deleting makes.
 */
export async function spareBytesOf(path: string): Promise<number> {
  const handle = await open(join(path, 'data.mdb'), 'r');
  try {
    const header = await readNewestHeader(handle);
    return header ? header.freePages * header.pageSizeBytes : 0;
  } finally {
    await handle.close();
  }
}

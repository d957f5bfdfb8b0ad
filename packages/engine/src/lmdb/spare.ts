import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { readNewestHeader } from './header.ts';

/**
 * Bytes of the free pages of LMDB's file in `path`. The file never shrinks: where metadata alone filled the disk,
 * they are all the room that deleting makes.
 */
export async function spareBytesOf(path: string): Promise<number> {
  const handle = await open(join(path, 'data.mdb'), 'r');
  try {
    return await freeBytesOf(handle);
  } finally {
    await handle.close();
  }
}

export async function freeBytesOf(file: FileHandle): Promise<number> {
  const header = await readNewestHeader(file);
  return header ? header.freePages * header.pageSizeBytes : 0;
}

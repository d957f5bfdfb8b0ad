import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { diagnose } from './failure.ts';

/**
 * Places for some 2,500 readers, of 64 bytes: LMDB uses as many as are there. A process has one for itself and one for each
 * thread that fetches for it, and there may be 256 workers. Unless told, LMDB makes 126.
 */
const LOCK_FILE_BYTES = 160 << 10;
/** `st_blocks` counts in these (POSIX sys/stat.h). */
const STAT_BLOCK_BYTES = 512;

/**
 * Has blocks for all of LMDB's lock file before LMDB maps it. It makes one of a hole, and a copy may have got holes: where
 * the disk has no block for one when it is first written to, the process ends by SIGBUS. What is in it matters only while
 * somebody has LMDB open, which nobody may have now.
 * @throws EngineError Full | Failed
 */
export async function fillLockFile(path: string): Promise<void> {
  try {
    const file = await open(join(path, 'lock.mdb'), constants.O_RDWR | constants.O_CREAT, 0o600);
    try {
      await fill(file);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw await diagnose(cause, path);
  }
}

async function fill(file: FileHandle): Promise<void> {
  const { size, blocks } = await file.stat();
  const isWhole = size > 0 && blocks * STAT_BLOCK_BYTES >= size;
  if (isWhole && size >= LOCK_FILE_BYTES) return;
  const zeros = Buffer.alloc(Math.max(size, LOCK_FILE_BYTES));
  try {
    for (let at = 0; at < zeros.length; )
      at += (await file.write(zeros, at, zeros.length - at, at)).bytesWritten;
  } catch (cause) {
    // With fewer places than there could be it can be opened, where there is no room for more.
    if (!isWhole) throw cause;
  }
}

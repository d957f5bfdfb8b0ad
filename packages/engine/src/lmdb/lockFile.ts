import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { diagnose } from './failure.ts';

/** More than LMDB takes for as many readers as it has room for unless told (8,272 bytes); it uses what is there. */
const LOCK_FILE_BYTES = 16 << 10;
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
  if (size > 0 && blocks * STAT_BLOCK_BYTES >= size) return;
  const zeros = Buffer.alloc(Math.max(size, LOCK_FILE_BYTES));
  for (let at = 0; at < zeros.length; )
    at += (await file.write(zeros, at, zeros.length - at, at)).bytesWritten;
}

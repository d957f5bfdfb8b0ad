/** Want of room, on the device or in a quota. */

import { statfs } from 'node:fs/promises';
import { EXIT } from '../exitCodes.ts';
import { CommandFailure } from '../failure.ts';
import { unusableDirectory } from './directory.ts';
import type { StoreLayout } from './layout.ts';

/** With less LMDB, which makes its file itself, may end the process. */
const NEW_STORE_BYTES_MIN = 1 << 20;

/** Whether a file could not be written for want of room. */
export function isFullDisk(error: unknown): error is Error {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? error.code : undefined;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** Most need more, and say so when they find none. @throws CommandFailure UnusableDirectory (1) */
export async function mustHaveRoomForNew({ directory }: StoreLayout): Promise<void> {
  const bytes = await freeBytes(directory);
  if (bytes >= NEW_STORE_BYTES_MIN) return;
  throw new CommandFailure({
    exitCode: EXIT.failed,
    code: 'UnusableDirectory',
    message: `cannot make a store in ${directory}: there are ${bytes} bytes free on its disk. Make room`,
  });
}

async function freeBytes(directory: string): Promise<number> {
  try {
    const { bavail, bsize } = await statfs(directory);
    return bavail * bsize;
  } catch (error) {
    throw unusableDirectory(directory, error);
  }
}

/** The core knows of no place. */
export function namingTheDisk(error: unknown, { directory }: StoreLayout): unknown {
  if (!(error instanceof CommandFailure) || error.code !== 'NoSpace') return error;
  return new CommandFailure({
    exitCode: error.exitCode,
    code: error.code,
    message: `cannot serve ${directory}: its disk lacks room for what a start writes. Make some`,
  });
}

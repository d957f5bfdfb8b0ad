import { statfs } from 'node:fs/promises';
import { EngineError } from '../contract.ts';

const MDB_MAP_FULL = -30792;
const MDB_TXN_FULL = -30788;
const ENOSPC = 28;
const EDQUOT = 122;
const FULL_CODES: readonly unknown[] = [MDB_MAP_FULL, MDB_TXN_FULL, ENOSPC, EDQUOT];

/** Less room than this, and a failed commit is blamed on the lack of it: a batch may need several MiB. */
const ROOM_BYTES_MIN = 16 << 20;

/** Says what a failed batch means for its operations. */
export async function diagnose(error: unknown, path: string): Promise<EngineError> {
  const cause = await rootCause(error);
  if (FULL_CODES.includes(codeOf(cause)) || (await isDeviceFull(path)))
    return new EngineError('Full', `no room for metadata in ${path}: free some space and try again`, {
      cause,
    });
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new EngineError('Failed', `metadata in ${path} can not be written: ${reason}`, { cause });
}

/** lmdb-js rejects a failed commit with a general error that carries a promise of the real one. */
async function rootCause(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error;
  try {
    await error.commitError;
    return error;
  } catch (cause) {
    return cause;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

/** A write cut short by a full disk surfaces as EIO, so only the file system can tell the two apart. */
async function isDeviceFull(path: string): Promise<boolean> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize < ROOM_BYTES_MIN;
  } catch {
    return false;
  }
}

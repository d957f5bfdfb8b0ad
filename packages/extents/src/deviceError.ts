import { ExtentError } from './contract.ts';
import { type Disk, errorCode } from './disk.ts';

/** Under this much room an I/O error is taken for a full disk: some file systems report it as EIO. */
const FULL_UNDER_BYTES = 1 << 20;

/** What to tell the caller about a failed write, sync or create. */
export async function writeError(disk: Disk, error: unknown, doing: string): Promise<ExtentError> {
  if (error instanceof ExtentError) return error;
  const code = (await isFull(disk, error)) ? 'Full' : 'Failed';
  const reason = error instanceof Error ? error.message : String(error);
  return new ExtentError(code, `${doing}: ${reason}`, { cause: error });
}

/** The device took nothing for want of room, and says so: what it holds is as it was. */
export function isOutOfRoom(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

async function isFull(disk: Disk, error: unknown): Promise<boolean> {
  if (isOutOfRoom(error)) return true;
  if (errorCode(error) !== 'EIO') return false;
  try {
    return (await disk.freeBytes()) < FULL_UNDER_BYTES;
  } catch {
    return false;
  }
}

import { statfs } from 'node:fs/promises';
import { EngineError, type EngineErrorCode } from '../contract.ts';

const MDB_PAGE_NOTFOUND = -30797;
const MDB_CORRUPTED = -30796;
const MDB_READERS_FULL = -30790;
const MDB_TXN_FULL = -30788;
const MDB_MAP_FULL = -30792;
const ENOSPC = 28;
const EDQUOT = 122;

/** Less room than this, and a failed commit is blamed on the lack of it: a batch may need several MiB. */
const ROOM_BYTES_MIN = 16 << 20;

/** What a read of LMDB met that found no page where one should be, or another; undefined of any other failure. */
export function damagedPage(cause: unknown): EngineError | undefined {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code !== MDB_PAGE_NOTFOUND && code !== MDB_CORRUPTED) return undefined;
  const message = `a page of the metadata is damaged: 'facet fsck' says what it can, while nobody serves the store (${cause instanceof Error ? cause.message : cause})`;
  return new EngineError('Damaged', message, { cause });
}

/** Says what a failure of the store below `path` means for the operations it hit. */
export async function diagnose(cause: unknown, path: string): Promise<EngineError> {
  if (cause instanceof EngineError) return cause;
  const code = meaning(cause) ?? ((await isDeviceFull(path)) ? 'Full' : 'Failed');
  return new EngineError(code, explain(code, path, cause), { cause });
}

/**
 * Whether LMDB can be closed after what it failed with. Where it followed damaged lengths out of its pages it may have
 * written there, and closing then crashes, or goes on for ever: a process that leaves ends. Only what an engine or the
 * system said has nothing to do with that.
 */
export function mayClose(cause: unknown): boolean {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' && code !== 'Damaged';
}

function meaning(cause: unknown): EngineErrorCode | undefined {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === MDB_MAP_FULL || code === MDB_TXN_FULL || code === ENOSPC || code === EDQUOT) return 'Full';
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'Full';
  return code === MDB_READERS_FULL ? 'Contention' : undefined;
}

function explain(code: EngineErrorCode, path: string, cause: unknown): string {
  if (code === 'Full') return `no room for metadata in ${path}: free some space and try again`;
  if (code === 'Contention') return `too many processes read the metadata in ${path}: try again`;
  return `the metadata in ${path} can not be relied on: ${cause instanceof Error ? cause.message : cause}`;
}

/** A write that a full disk cut short surfaces as EIO: only the file system can tell the two apart. */
async function isDeviceFull(path: string): Promise<boolean> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize < ROOM_BYTES_MIN;
  } catch {
    return false;
  }
}

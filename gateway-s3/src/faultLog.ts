/** What the log is told of a fault of ours. */
import { FsError } from '@facet/core';
import type { Logger } from './log.ts';

/**
 * A bug comes with its stack. Damaged bytes are no bug: one line says where they are and what to do.
 * @param what `names`: bucket, key and whatever else tells the request
 */
export function logFault(
  log: Logger,
  { error, names, happened }: { readonly error: unknown; readonly names: object; readonly happened: string },
): void {
  if (error instanceof FsError && error.code === 'Corrupt') {
    log.error({ ...names, damage: error.message }, DAMAGED);
    return;
  }
  log.error({ err: error, ...names }, happened);
}

const DAMAGED =
  "an object's stored bytes are damaged: put it again from a copy of yours, or delete it; 'facet fsck --full' finds all damage";

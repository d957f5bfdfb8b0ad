import { FsError } from '../errors.ts';

/** What whoever ended a backup or a restore before its time is told. */
export function ended(): FsError {
  return new FsError('Closed', 'ended before it was complete: earlier backups are as they were');
}

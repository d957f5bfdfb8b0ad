/** Which backups of one directory a store knows. */

import { Reader, Writer } from '../codec.ts';

const BACKUP_ID_BYTES = 16;

/** `backups`: 16 bytes each, at most 255. */
export function encodeBackupMark(backups: readonly Buffer[]): Buffer {
  const writer = new Writer(2 + backups.length * BACKUP_ID_BYTES).u8(1).u8(backups.length);
  for (const backup of backups) writer.raw(backup);
  return writer.done();
}

export function decodeBackupMark(bytes: Uint8Array): readonly Buffer[] {
  const reader = new Reader(bytes).schema(1, 'backup mark');
  return Array.from({ length: reader.u8() }, () => reader.raw(BACKUP_ID_BYTES));
}

export { crc32c } from './crc32c.ts';
export type { JournalDisk, JournalFile } from './disk.ts';
export type { JournalWrite } from './groupWriter.ts';
export { JournalDamaged } from './header.ts';
export { Journal, type JournalOptions } from './journal.ts';
export { type JournalRecord, RECORD, type RecordKind } from './record.ts';
export type { ReadRecord } from './recordReader.ts';
export { isOutOfRoom } from './roomyFile.ts';

/**
 * Which journal is its own LMDB's file says itself: it keeps the names of the epochs that the journal's two files are of.
 *
 * In both meta pages, behind what LMDB has there, which it writes once, as zeros, when it makes the file. Big-endian:
 *
 *   offset  size  field
 *     1024     8  magic: 'FACETEPO'
 *     1032     4  CRC-32C of what follows
 *     1036     4  number of names: 2, or 3 while a base is not complete
 *     1040        names, of 8 bytes each, in the order in which they came: two side by side are those of the files
 *
 * That is within a sector: a power cut leaves each page with these names or those before, and either has the files'.
 *
 * @source mdb.c of lmdb-js 3.5.6: `mdb_env_init_meta`, `mdb_env_write_meta`; the other half of the first page is used, too
 */

import type { FileHandle } from 'node:fs/promises';
import { crc32c, type Journal } from '@facet/journal';
import { EngineError } from '../contract.ts';
import { PAGE_BYTES } from './dataFile.ts';

const MAGIC = Buffer.from('FACETEPO');
const NAMES_POSITIONS = [1024, PAGE_BYTES + 1024] as const;
const CRC_AT = 8;
const COUNT_AT = 12;
const NAMES_AT = 16;
const NAME_BYTES = 8;
const NAMES_MAX = 3;

export type JournalNames = Pick<Journal, 'epochs' | 'isNamed'>;

/** Makes them the file's, unsynced. Of no other will a journal be taken. */
export async function keepEpochs(file: FileHandle, epochs: readonly Uint8Array[]): Promise<void> {
  const names = Buffer.concat([Buffer.alloc(NAMES_AT), ...epochs]);
  names.set(MAGIC);
  names.writeUInt32BE(epochs.length, COUNT_AT);
  names.writeUInt32BE(crc32c(names.subarray(COUNT_AT)), CRC_AT);
  for (const position of NAMES_POSITIONS) await file.write(names, 0, names.length, position);
}

/**
 * Both files of a journal must be of the epochs that LMDB's file names. One of an older version, which names none, is taken
 * with the journal of that version.
 * @throws EngineError Damaged
 */
export async function refuseOtherJournal(file: FileHandle, journal: JournalNames): Promise<void> {
  const own = Buffer.concat(journal.epochs);
  let isNamed = false;
  for (const position of NAMES_POSITIONS) {
    const page = Buffer.alloc(NAMES_AT + NAMES_MAX * NAME_BYTES);
    await file.read(page, 0, page.length, position);
    if (pairsIn(page).some((two) => two.equals(own))) return;
    isNamed ||= page.some((byte) => byte !== 0);
  }
  if (!isNamed && !journal.isNamed) return;
  throw new EngineError(
    'Damaged',
    'the journals beside data.mdb are not its own, but of another store, of a copy of this one, or of another time',
  );
}

/** Names that stand side by side, two and two. None where the names are damaged: in the other page they may not be. */
function pairsIn(page: Buffer): readonly Buffer[] {
  if (!isSound(page)) return [];
  return Array.from({ length: page.readUInt32BE(COUNT_AT) - 1 }, (_, index) =>
    page.subarray(NAMES_AT + index * NAME_BYTES, NAMES_AT + (index + 2) * NAME_BYTES),
  );
}

function isSound(page: Buffer): boolean {
  if (page.compare(MAGIC, 0, MAGIC.length, 0, MAGIC.length) !== 0) return false;
  const end = NAMES_AT + page.readUInt32BE(COUNT_AT) * NAME_BYTES;
  return end <= page.length && crc32c(page.subarray(COUNT_AT, end)) === page.readUInt32BE(CRC_AT);
}

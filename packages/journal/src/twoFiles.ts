/** The two files of a journal, as they are found. */

import type { JournalDisk, JournalFile } from './disk.ts';
import { decodeFileHeader, type FileHeader, type FoundHeader, JournalDamaged } from './header.ts';
import { BLOCK_BYTES } from './record.ts';
import { RoomyFile } from './roomyFile.ts';

export const FILE_NAMES = ['0.journal', '1.journal'] as const;
const ROOM_BYTES_MAX = 32 << 20;

export type Files = [RoomyFile | undefined, RoomyFile | undefined];

/** What is complete: where the records since begin. */
export interface Base {
  readonly file: 0 | 1;
  readonly header: FileHeader;
}

/** What there is. */
export interface FoundFiles {
  readonly files: Files;
  readonly base: Base | undefined;
  /** Of the file that the base is not in. */
  readonly otherHeader: FileHeader | undefined;
  /** Whether the names of their epochs were kept with the state. */
  readonly isNamed: boolean;
}

/** Changes nothing. @throws JournalDamaged */
export async function openFiles(disk: JournalDisk): Promise<FoundFiles> {
  const files: Files = [undefined, undefined];
  try {
    const headers: [FoundHeader | undefined, FoundHeader | undefined] = [undefined, undefined];
    for (const at of [0, 1] as const) {
      if ((await disk.status(FILE_NAMES[at])) === undefined) continue;
      const opened = await disk.open(FILE_NAMES[at], 'durable direct');
      const file = await roomyFileOf(disk, FILE_NAMES[at], opened);
      files[at] = file;
      headers[at] = decodeFileHeader(file.firstBlock, FILE_NAMES[at]);
    }
    const base = newestOf(files, headers);
    if (base === undefined) return { files, base, otherHeader: undefined, isNamed: false };
    for (const at of [0, 1] as const) mustBeWhole(FILE_NAMES[at], files[at]);
    return { files, base, otherHeader: headers[otherThan(base.file)], isNamed: base.header.isNamed };
  } catch (error) {
    for (const file of files) await file?.close();
    throw error;
  }
}

/** @param file which it closes when it can not be used */
export async function roomyFileOf(disk: JournalDisk, name: string, file: JournalFile): Promise<RoomyFile> {
  try {
    const aside = await disk.open(name, 'durable direct');
    const memory = (bytes: number) => disk.memory(bytes);
    return await RoomyFile.of({ file, aside, memory, roomBytesMax: ROOM_BYTES_MAX });
  } catch (error) {
    await file.close();
    throw error;
  }
}

export function otherThan(file: 0 | 1): 0 | 1 {
  return file === 0 ? 1 : 0;
}

/**
 * The file with the newer base. Each is completed in turn: with the other one lost, or put back, it may not be the
 * newest there was.
 * @throws JournalDamaged
 */
function newestOf(
  files: Files,
  [first, second]: readonly [FoundHeader | undefined, FoundHeader | undefined],
): (Base & { readonly header: FoundHeader }) | undefined {
  if (first === undefined && second === undefined) return undefined;
  const file = (first?.generation ?? 0) > (second?.generation ?? 0) ? 0 : 1;
  const [header, other] = file === 0 ? [first, second] : [second, first];
  if (header === undefined) return undefined;
  const isThere = files[otherThan(file)] !== undefined;
  if (!isThere || (other?.generation ?? 0) !== header.generation - 1)
    throw new JournalDamaged(
      `${FILE_NAMES[otherThan(file)]} is missing, or is not the one that belongs to ${FILE_NAMES[file]}`,
    );
  return { file, header };
}

/** Room is made in whole blocks, the first of them before there is a base. @throws JournalDamaged */
function mustBeWhole(name: string, file: RoomyFile | undefined): void {
  const bytes = file?.roomBytes ?? 0;
  const roomBytes = Math.max(file?.notedBytes ?? 0, BLOCK_BYTES);
  if (bytes < roomBytes || bytes % BLOCK_BYTES !== 0)
    throw new JournalDamaged(`${name} was cut off: ${bytes} bytes are left of it`);
}

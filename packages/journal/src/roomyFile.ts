/**
 * A file with room that was written before: a sync of bytes that go there has no blocks and no length to record,
 * which takes 0.12 ms where one after a growing append takes 0.2.
 */

import type { JournalDisk, JournalFile } from './disk.ts';
import { BLOCK_BYTES } from './record.ts';
import { decodeRoomNote, encodeRoomNote, ROOM_NOTE_AT } from './roomNote.ts';

const STEP_BYTES = 1 << 20;
/** With less than this left more is written ahead. */
const AHEAD_BYTES = STEP_BYTES / 2;

export interface RoomyFileParts {
  /** For records, one write at a time. */
  readonly file: JournalFile;
  /**
   * The same file opened once more, for what is written beside. That a device lost something the kernel tells each open
   * file once, whichever of its writes asks first: one that went well may hear of another's, which then hears nothing.
   */
  readonly aside: JournalFile;
  /** Gives what is written beside. */
  readonly memory: JournalDisk['memory'];
  /** Nothing is written ahead past this; what is written may go on. */
  readonly roomBytesMax: number;
}

export class RoomyFile {
  readonly #parts: RoomyFileParts;
  /** As the file has it: it is written as a whole, and has parts that are changed each by itself. */
  #firstBlock: Buffer;
  #roomBytes: number;
  #notedBytes: number | undefined;
  #extending: Promise<void> | undefined;
  #lastAside: Promise<unknown> = Promise.resolve();

  private constructor(parts: RoomyFileParts, roomBytes: number, firstBlock: Buffer) {
    this.#parts = parts;
    this.#roomBytes = roomBytes;
    this.#firstBlock = firstBlock;
    this.#notedBytes = decodeRoomNote(firstBlock);
  }

  static async of(parts: RoomyFileParts): Promise<RoomyFile> {
    const firstBlock = Buffer.alloc(BLOCK_BYTES);
    await parts.file.read({ position: 0, buffers: [firstBlock] });
    return new RoomyFile(parts, await parts.file.size(), firstBlock);
  }

  /** To read from. */
  get file(): Pick<JournalFile, 'read'> {
    return this.#parts.file;
  }

  /** Zeros where the file has nothing yet. */
  get firstBlock(): Buffer {
    return this.#firstBlock;
  }

  /** Room from the file's start. */
  get roomBytes(): number {
    return this.#roomBytes;
  }

  /** What the file itself says of that: when it is more, some was cut off. */
  get notedBytes(): number | undefined {
    return this.#notedBytes;
  }

  /**
   * Makes the room reach `end` at least. Once it does, a write in it takes no more.
   * @throws ENOSPC, EDQUOT and other errors of the disk
   */
  async reach(end: number): Promise<void> {
    await this.#extending;
    while (this.#roomBytes < end) {
      await this.#extend().catch((error: unknown) => {
        if (!isOutOfRoom(error)) throw error;
        // It was the note that there was none for, on a file system that writes to another place what is written over.
        if (this.#roomBytes >= end) return undefined;
        // There may be room for as much as is needed.
        return this.#extendTo(end);
      });
    }
  }

  /** Takes care, while others go on, that there is room behind `end`, too. What fails shows when it is needed. */
  prepare(end: number): void {
    if (this.#extending !== undefined || this.#roomBytes - end >= AHEAD_BYTES) return;
    if (this.#roomBytes >= this.#parts.roomBytesMax) return;
    this.#extending = this.#extend()
      .catch(() => undefined)
      .finally(() => {
        this.#extending = undefined;
      });
  }

  /** Whole blocks, not before the write before is over. */
  async write(position: number, buffer: Uint8Array): Promise<void> {
    await this.#parts.file.write({ position, buffers: [buffer] });
  }

  /** What the first block begins with. May be called while others write. */
  writeHeader(header: Uint8Array): Promise<void> {
    return this.#writeInFirstBlock(0, header);
  }

  async close(): Promise<void> {
    await this.#extending;
    await this.#lastAside;
    await this.#parts.aside.close();
    await this.#parts.file.close();
  }

  /** Has the file say how much room it has, if it does not. */
  async noteRoom(): Promise<void> {
    const roomBytes = this.#roomBytes;
    if (this.#notedBytes === roomBytes) return;
    await this.#writeInFirstBlock(ROOM_NOTE_AT, encodeRoomNote(roomBytes));
    this.#notedBytes = roomBytes;
  }

  /** The whole block: page cache and file system would do no less. */
  #writeInFirstBlock(at: number, part: Uint8Array): Promise<void> {
    return this.#aside(async (aside) => {
      const block = this.#parts.memory(BLOCK_BYTES);
      block.set(this.#firstBlock);
      block.set(part, at);
      await aside.write({ position: 0, buffers: [block] });
      this.#firstBlock = block;
    });
  }

  /** While others write, one after the other. */
  #aside(write: (file: JournalFile) => Promise<void>): Promise<void> {
    const written = this.#lastAside.then(() => write(this.#parts.aside));
    this.#lastAside = written.catch(() => undefined);
    return written;
  }

  #extend(): Promise<void> {
    return this.#extendTo(this.#roomBytes + STEP_BYTES - (this.#roomBytes % STEP_BYTES));
  }

  /** By one step at most. */
  async #extendTo(end: number): Promise<void> {
    // Whoever made the file may have been stopped within a block: then there is nothing in it.
    const position = this.#roomBytes - (this.#roomBytes % BLOCK_BYTES);
    const length = Math.min(end - position, STEP_BYTES);
    const zeros = this.#parts.memory(length).fill(0);
    try {
      await this.#aside((aside) => aside.write({ position, buffers: [zeros] }));
    } catch (error) {
      // Else the little room that there is would be taken by what is of no use.
      await this.#parts.aside.truncate(position).catch(() => undefined);
      throw error;
    }
    // Before the note is tried: should that fail, nobody knows what it says, and the file must not be cut below it.
    this.#roomBytes = position + length;
    await this.noteRoom();
  }
}

/** The device took nothing for want of room, and says so. */
export function isOutOfRoom(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** Reads past what a device no longer gives: the bytes before and behind it are there still. */

import { type DiskFile, errorCode } from './disk.ts';

/** What is tried again where a read fails: the page cache fails a page at a time. */
const PIECE_BYTES = 4096;
/** No checksum is that of these, unless they are what was there. */
const FILLER = 0xff;
/** A device that gave none of so many in a row may be gone: it is asked for no more of them one by one. */
const PIECES_IN_A_ROW_MAX = 1024;

export class PastUnreadable {
  readonly #file: Pick<DiskFile, 'read'>;
  readonly #onUnreadable: (run: { readonly offset: number; readonly length: number }) => void;
  #failedInARow = 0;

  /** @param onUnreadable told of each piece, as often as it is met */
  constructor(
    file: Pick<DiskFile, 'read'>,
    onUnreadable: (run: { readonly offset: number; readonly length: number }) => void,
  ) {
    this.#file = file;
    this.#onUnreadable = onUnreadable;
  }

  /** As that of the file, with bytes of no meaning in the place of what can not be read. @throws but EIO what that throws */
  async read({
    position,
    buffer,
  }: {
    readonly position: number;
    readonly buffer: Uint8Array;
  }): Promise<number> {
    const count = await this.#tried(position, buffer);
    if (count !== undefined) return count;
    if (this.#failedInARow >= PIECES_IN_A_ROW_MAX) return this.#pass(position, buffer);
    let filled = 0;
    while (filled < buffer.length) {
      const at = position + filled;
      const piece = buffer.subarray(filled, filled + PIECE_BYTES - (at % PIECE_BYTES));
      const given = (await this.#tried(at, piece)) ?? this.#pass(at, piece);
      filled += given;
      if (given < piece.length) break;
    }
    return filled;
  }

  /** @returns undefined where the device fails */
  async #tried(position: number, buffer: Uint8Array): Promise<number | undefined> {
    try {
      const count = await this.#file.read({ position, buffers: [buffer] });
      this.#failedInARow = 0;
      return count;
    } catch (error) {
      if (errorCode(error) === 'EIO') return undefined;
      throw error;
    }
  }

  #pass(offset: number, buffer: Uint8Array): number {
    this.#failedInARow += 1;
    buffer.fill(FILLER);
    this.#onUnreadable({ offset, length: buffer.length });
    return buffer.length;
  }
}

/** Lines that end in CRLF, out of bytes that come in pieces. A lone CR or LF is part of the line. */

const CR = 0x0d;
const LF = 0x0a;

export interface LineStep {
  /** The line without its CRLF, one byte a character; `undefined` when more bytes are needed. */
  readonly line: string | undefined;
  /** Where reading goes on in the piece: its end when `line` is `undefined`. */
  readonly next: number;
}

export class CrlfLines {
  /** The beginning of a line whose end has not come yet. */
  #carry: Buffer = Buffer.alloc(0);

  /**
   * Reads on from `bytes[at]`. No more than `lineBytesMax` bytes (and a CR) are ever held.
   * `tooLong` makes the error for a longer line.
   */
  read(
    bytes: Buffer,
    at: number,
    limit: { readonly lineBytesMax: number; readonly tooLong: () => Error },
  ): LineStep {
    const end = this.#findEnd(bytes, at);
    const heldBytes = this.#carry.length + (end ?? bytes.length) - at;
    // Before its LF is here, the last byte held may be the CR, which does not count.
    if (heldBytes - 1 > limit.lineBytesMax) throw limit.tooLong();
    const held = Buffer.concat([this.#carry, bytes.subarray(at, end ?? bytes.length)], heldBytes);
    if (end === undefined) {
      this.#carry = held;
      return { line: undefined, next: bytes.length };
    }
    this.#carry = Buffer.alloc(0);
    return { line: held.toString('latin1', 0, heldBytes - 1), next: end + 1 };
  }

  /** Index of the LF of the next CRLF. */
  #findEnd(bytes: Buffer, at: number): number | undefined {
    for (let lf = bytes.indexOf(LF, at); lf >= 0; lf = bytes.indexOf(LF, lf + 1)) {
      const before = lf > at ? bytes[lf - 1] : this.#carry.at(-1);
      if (before === CR) return lf;
    }
    return undefined;
  }
}

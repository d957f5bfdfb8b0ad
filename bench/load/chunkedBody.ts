/** The chunked transfer coding of an answer, piece by piece as it comes. @source RFC 9112 §7.1 */

const LF = 0x0a;
/** Of a line that gives a size, or of a trailer. */
const LINE_BYTES_MAX = 4096;

export class ChunkedBody {
  #done = false;
  /** What is left of the chunk under way; 0: a line comes next. */
  #left = 0;
  /** The line under way is the end of a chunk's data, the size of the next one, or a trailer. */
  #expects: 'size' | 'end of data' | 'trailer' = 'size';
  #line = '';

  /** After the last trailer: what comes next is another answer. */
  get done(): boolean {
    return this.#done;
  }

  /** @returns the bytes of the body in it. @throws Error where it is no chunked body */
  push(piece: Buffer): Buffer[] {
    const body: Buffer[] = [];
    let at = 0;
    while (at < piece.length && !this.#done) {
      if (this.#left > 0) {
        const bytes = piece.subarray(at, at + this.#left);
        body.push(bytes);
        at += bytes.length;
        this.#left -= bytes.length;
        if (this.#left === 0) this.#expects = 'end of data';
        continue;
      }
      const end = piece.indexOf(LF, at);
      const stop = end < 0 ? piece.length : end + 1;
      this.#line += piece.toString('latin1', at, stop);
      if (this.#line.length > LINE_BYTES_MAX) throw new Error('a line of a chunked answer does not end');
      at = stop;
      if (end >= 0) this.#take(this.#line.trim());
    }
    return body;
  }

  #take(line: string): void {
    this.#line = '';
    if (this.#expects === 'size') {
      const size = /^([0-9a-f]{1,8})(?:[ \t]*;.*)?$/i.exec(line)?.[1];
      if (size === undefined) throw new Error(`no size of a chunk: ${JSON.stringify(line)}`);
      this.#left = Number.parseInt(size, 16);
      if (this.#left === 0) this.#expects = 'trailer';
    } else if (this.#expects === 'end of data') {
      if (line !== '') throw new Error(`a chunk is longer than its size: ${JSON.stringify(line)}`);
      this.#expects = 'size';
    } else {
      this.#done = line === '';
    }
  }
}

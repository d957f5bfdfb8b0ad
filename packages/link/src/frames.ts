/** Messages on a stream: each is its length (4 bytes, little-endian) and a MessagePack value. */

import { Packr } from 'msgpackr';

const LENGTH_BYTES = 4;
/** Far above what anything here sends: the other end is another process of this server. */
const MESSAGE_BYTES_MAX = 64 << 20;

/** Not shared by connections: names of fields are sent once, and numbered. */
function newPackr(): Packr {
  return new Packr({ moreTypes: true, useRecords: true });
}

export class FrameWriter {
  readonly #packr = newPackr();

  encode(message: unknown): readonly Buffer[] {
    const packed = this.#packr.pack(message);
    const length = Buffer.allocUnsafe(LENGTH_BYTES);
    length.writeUInt32LE(packed.length);
    return [length, packed];
  }
}

export class FrameReader {
  readonly #packr = newPackr();
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** How much is needed before the next look: a long message is put together once. */
  #needed = LENGTH_BYTES;

  /** Messages that are whole now. @throws RangeError for a length that nobody sends */
  push(chunk: Buffer): readonly unknown[] {
    this.#pieces.push(chunk);
    this.#bytes += chunk.length;
    if (this.#bytes < this.#needed) return [];
    const [first] = this.#pieces;
    const joined = this.#pieces.length === 1 && first ? first : Buffer.concat(this.#pieces, this.#bytes);
    const messages: unknown[] = [];
    let at = 0;
    this.#needed = LENGTH_BYTES;
    while (joined.length - at >= LENGTH_BYTES) {
      const length = joined.readUInt32LE(at);
      if (length > MESSAGE_BYTES_MAX) throw new RangeError(`a message of ${length} bytes`);
      const end = at + LENGTH_BYTES + length;
      if (end > joined.length) {
        this.#needed = LENGTH_BYTES + length;
        break;
      }
      messages.push(this.#packr.unpack(joined.subarray(at + LENGTH_BYTES, end)));
      at = end;
    }
    this.#pieces = at < joined.length ? [joined.subarray(at)] : [];
    this.#bytes = joined.length - at;
    return messages;
  }
}

/** Big-endian, every item a multiple of four bytes, variable lengths first as a uint32. @source RFC 4506 */
import { WrongReply } from './faults.ts';

export function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, 4 * at);
  return bytes;
}

export function opaque(bytes: Buffer | string): Buffer {
  const data = Buffer.from(bytes);
  return Buffer.concat([words(data.length), data, Buffer.alloc(-data.length & 3)]);
}

/** Reads one item after the other. What it gives are views. @throws WrongReply whenever an item is not there in full */
export class Cursor {
  readonly #from: Buffer;
  #at = 0;

  constructor(from: Buffer) {
    this.#from = from;
  }

  word(): number {
    return this.fixed(4).readUInt32BE(0);
  }

  /** @throws WrongReply unless 0 or 1 */
  bool(): boolean {
    const value = this.word();
    if (value > 1) throw new WrongReply(`a bool is ${value}`);
    return value === 1;
  }

  /** @throws WrongReply beyond what a number holds exactly */
  long(): number {
    const value = this.fixed(8).readBigUInt64BE(0);
    if (value > Number.MAX_SAFE_INTEGER) throw new WrongReply(`a length is ${value}`);
    return Number(value);
  }

  /** Of a length that both sides know, and what fills them up to a word. */
  fixed(lengthBytes: number): Buffer {
    const end = this.#at + Math.ceil(lengthBytes / 4) * 4;
    if (end > this.#from.length) {
      throw new WrongReply(`it ends after ${this.#from.length} bytes, of ${end} or more`);
    }
    const bytes = this.#from.subarray(this.#at, this.#at + lengthBytes);
    this.#at = end;
    return bytes;
  }

  /** With its length before it. */
  opaque(lengthBytesMax: number): Buffer {
    const lengthBytes = this.word();
    if (lengthBytes > lengthBytesMax) {
      throw new WrongReply(`opaque data has ${lengthBytes} bytes, of at most ${lengthBytesMax}`);
    }
    return this.fixed(lengthBytes);
  }

  /** All that is left. */
  rest(): Buffer {
    const bytes = this.#from.subarray(this.#at);
    this.#at = this.#from.length;
    return bytes;
  }

  /** @throws WrongReply when more follows */
  end(): void {
    const left = this.#from.length - this.#at;
    if (left > 0) throw new WrongReply(`${left} bytes follow its last item`);
  }
}

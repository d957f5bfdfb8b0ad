/**
 * Reads XDR: big-endian, every item a multiple of four bytes, variable lengths first as a uint32.
 *
 * Nothing is believed: a length is compared with its bound and with the bytes that are there before anything is
 * made of it. Buffers are views of the bytes given, not copies, and keep them from being freed: who keeps one for
 * longer than the call copies it.
 *
 * @source RFC 4506
 */
import { isUtf8 } from 'node:buffer';
import { XdrError } from './error.ts';

/** Reads one item where the reader stands. */
export type Read<T> = (reader: XdrReader) => T;

export class XdrReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Bytes not read yet. */
  get left(): number {
    return this.#bytes.length - this.#at;
  }

  uint32(): number {
    // By hand: Buffer has its arguments checked by functions that V8 does not inline, and a call is mostly words.
    const at = this.#take(4);
    const bytes = this.#bytes;
    const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    const low = ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0);
    return ((high << 16) | low) >>> 0;
  }

  int32(): number {
    return this.#bytes.readInt32BE(this.#take(4));
  }

  uint64(): bigint {
    return this.#bytes.readBigUInt64BE(this.#take(8));
  }

  /** @throws XdrError unless 0 or 1. */
  bool(): boolean {
    const value = this.uint32();
    if (value > 1) throw new XdrError(`a bool is ${value}`);
    return value === 1;
  }

  /**
   * Opaque data of a length both sides know. What is in the padding is not looked at, though it should be zeros:
   * no server in use does, so that clients which leave garbage there are served everywhere.
   */
  fixed(lengthBytes: number): Buffer {
    const at = this.#take(paddedBytes(lengthBytes));
    return this.#bytes.subarray(at, at + lengthBytes);
  }

  /** Opaque data of at most `lengthBytesMax` bytes, its length before it. */
  opaque(lengthBytesMax: number): Buffer {
    return this.fixed(this.#length(lengthBytesMax, 'opaque data', 'bytes'));
  }

  /**
   * A string that is text for whoever reads it here. Names of files are not: they are `opaque`.
   * @throws XdrError if it is not UTF-8.
   */
  text(lengthBytesMax: number): string {
    const bytes = this.fixed(this.#length(lengthBytesMax, 'a string', 'bytes'));
    if (!isUtf8(bytes)) throw new XdrError(`a string of ${bytes.length} bytes is not UTF-8`);
    return bytes.toString('utf8');
  }

  /** `read` must consume at least four bytes an item, as every XDR item but `void` does. */
  array<T>(itemsMax: number, read: Read<T>): T[] {
    const count = this.#length(itemsMax, 'an array', 'items');
    if (count * 4 > this.left) throw new XdrError(`an array has ${count} items in ${this.left} bytes`);
    const items: T[] = [];
    for (let i = 0; i < count; i += 1) items.push(read(this));
    return items;
  }

  /** Items each with a 1 before it, a 0 after the last: RFC 4506 §4.19's linked list. */
  list<T>(itemsMax: number, read: Read<T>): T[] {
    const items: T[] = [];
    while (this.bool()) {
      if (items.length === itemsMax) throw new XdrError(`a list has more than ${itemsMax} items`);
      items.push(read(this));
    }
    return items;
  }

  optional<T>(read: Read<T>): T | undefined {
    return this.bool() ? read(this) : undefined;
  }

  /** A discriminated union without a default arm, or an enum. Keep `arms` in a constant: it is the type's table. */
  choose<T>(arms: ReadonlyMap<number, Read<T>>): T {
    const discriminant = this.int32();
    const arm = arms.get(discriminant);
    if (arm === undefined)
      throw new XdrError(`a choice is ${discriminant}, which is none of those there are`);
    return arm(this);
  }

  /** @throws XdrError if bytes are left: what was sent is not what was read. */
  end(): void {
    if (this.left > 0) throw new XdrError(`${this.left} bytes follow the last item`);
  }

  #length(max: number, what: string, units: string): number {
    const length = this.uint32();
    if (length > max) throw new XdrError(`${what} has ${length} ${units}, of at most ${max}`);
    return length;
  }

  /** Passes over so many bytes; returns where they begin. */
  #take(lengthBytes: number): number {
    const at = this.#at;
    if (lengthBytes > this.#bytes.length - at) {
      throw new XdrError(`${lengthBytes} bytes are needed at offset ${at}, and ${this.left} are left`);
    }
    this.#at = at + lengthBytes;
    return at;
  }
}

/** The length with its padding to a multiple of four. */
function paddedBytes(lengthBytes: number): number {
  return Math.ceil(lengthBytes / 4) * 4;
}

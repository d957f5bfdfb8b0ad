/**
 * The binary codec of keys and values. Big-endian, so that in keys order is meaning.
 *
 * A value is a schema byte, then fixed fields, then tagged optional fields: tag u8, length u32, bytes, in
 * ascending order of tag. A reader skips tags it does not know, so that an optional field can be added
 * without a new schema byte. Text is UTF-8.
 */

import { Buffer } from 'node:buffer';
import { assert } from '../invariant.ts';
import { getU32, getU64, putU32, putU64 } from './bigEndian.ts';

const SCRATCH_BYTES = 64 * 1024;
/** Turns a bigint into bytes and back at once; Buffer makes others on the way. */
const WORD = new DataView(new ArrayBuffer(8));

export class Writer {
  #buffer: Buffer;
  #length = 0;

  /** With a hint that is exact nothing is copied or cut. */
  constructor(sizeHintBytes = 256) {
    this.#buffer = Buffer.allocUnsafe(Math.min(sizeHintBytes, SCRATCH_BYTES));
  }

  #reserve(bytes: number): number {
    const at = this.#length;
    const needed = at + bytes;
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
      this.#buffer.copy(grown, 0, 0, at);
      this.#buffer = grown;
    }
    this.#length = needed;
    return at;
  }

  u8(value: number): this {
    const at = this.#reserve(1);
    this.#buffer[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.#reserve(2);
    this.#buffer.writeUInt16BE(value, at);
    return this;
  }

  u32(value: number): this {
    const at = this.#reserve(4);
    putU32(this.#buffer, value, at);
    return this;
  }

  /** A safe integer, as 64 bits. */
  u64(value: number): this {
    const at = this.#reserve(8);
    putU64(this.#buffer, value, at);
    return this;
  }

  bigU64(value: bigint): this {
    WORD.setBigUint64(0, value);
    const at = this.#reserve(8);
    putU32(this.#buffer, WORD.getUint32(0), at);
    putU32(this.#buffer, WORD.getUint32(4), at + 4);
    return this;
  }

  /** Bytes without their length: the last field, or of a fixed size. */
  raw(bytes: Uint8Array): this {
    const at = this.#reserve(bytes.length);
    this.#buffer.set(bytes, at);
    return this;
  }

  bytes(bytes: Uint8Array): this {
    return this.u32(bytes.length).raw(bytes);
  }

  text(text: string): this {
    const length = Buffer.byteLength(text, 'utf8');
    this.u32(length);
    const at = this.#reserve(length);
    this.#buffer.write(text, at, length, 'utf8');
    return this;
  }

  /** A tagged optional field. `write` fills it. */
  field(tag: number, write: (field: Writer) => void): this {
    this.u8(tag);
    const lengthAt = this.#reserve(4);
    const start = this.#length;
    write(this);
    putU32(this.#buffer, this.#length - start, lengthAt);
    return this;
  }

  /** The bytes written. The writer must not be used again. */
  done(): Buffer {
    return this.#length === this.#buffer.length ? this.#buffer : this.#buffer.subarray(0, this.#length);
  }
}

/** By tag. */
export type FieldReaders<T> = Readonly<Record<number, (field: Reader, into: T) => void>>;

export class Reader {
  readonly #buffer: Buffer;
  #at = 0;
  #end: number;

  constructor(bytes: Uint8Array) {
    this.#buffer = Buffer.isBuffer(bytes)
      ? bytes
      : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#end = this.#buffer.length;
  }

  #take(bytes: number): number {
    const at = this.#at;
    assert(at + bytes <= this.#end, 'a stored value ends too early');
    this.#at = at + bytes;
    return at;
  }

  get remaining(): number {
    return this.#end - this.#at;
  }

  /** Goes past so many bytes. */
  skip(bytes: number): this {
    this.#take(bytes);
    return this;
  }

  u8(): number {
    return this.#buffer[this.#take(1)] ?? 0;
  }

  u16(): number {
    return this.#buffer.readUInt16BE(this.#take(2));
  }

  u32(): number {
    return getU32(this.#buffer, this.#take(4));
  }

  u64(): number {
    const value = getU64(this.#buffer, this.#take(8));
    assert(Number.isSafeInteger(value), 'a stored number is out of range');
    return value;
  }

  bigU64(): bigint {
    const at = this.#take(8);
    WORD.setUint32(0, getU32(this.#buffer, at));
    WORD.setUint32(4, getU32(this.#buffer, at + 4));
    return WORD.getBigUint64(0);
  }

  raw(length: number): Buffer {
    const at = this.#take(length);
    return this.#buffer.subarray(at, at + length);
  }

  rest(): Buffer {
    return this.raw(this.remaining);
  }

  bytes(): Buffer {
    return this.raw(this.u32());
  }

  text(): string {
    const length = this.u32();
    const at = this.#take(length);
    return this.#buffer.toString('utf8', at, at + length);
  }

  /** Checks the schema byte every value begins with. */
  schema(expected: number, what: string): this {
    const found = this.u8();
    assert(found === expected, () => `${what}: schema ${found} is not known (expected ${expected})`);
    return this;
  }

  /**
   * Hands each tagged field to its reader, which cannot read past it, together with what it fills; unknown tags
   * are skipped.
   */
  fields(readers: FieldReaders<undefined>): void;
  fields<T>(readers: FieldReaders<T>, into: T): void;
  fields(readers: FieldReaders<unknown>, into?: unknown): void {
    const end = this.#end;
    while (this.#at < end) {
      const tag = this.u8();
      const start = this.#take(this.u32());
      const next = this.#at;
      this.#at = start;
      this.#end = next;
      readers[tag]?.(this, into);
      this.#at = next;
      this.#end = end;
    }
  }
}

/** XDR for the tests, written apart from the door's own: a fault would have to be made twice to go unseen. */

export class Out {
  readonly #parts: Buffer[] = [];

  u32(...values: readonly number[]): this {
    for (const value of values) {
      const word = Buffer.alloc(4);
      word.writeUInt32BE(value >>> 0);
      this.#parts.push(word);
    }
    return this;
  }

  u64(value: bigint | number): this {
    const word = Buffer.alloc(8);
    word.writeBigUInt64BE(BigInt(value));
    this.#parts.push(word);
    return this;
  }

  raw(bytes: Buffer): this {
    this.#parts.push(bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4));
    return this;
  }

  opaque(bytes: Buffer | string): this {
    const data = Buffer.from(bytes);
    return this.u32(data.length).raw(data);
  }

  bytes(): Buffer {
    return Buffer.concat(this.#parts);
  }
}

export class In {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  u32(): number {
    this.#at += 4;
    return this.#bytes.readUInt32BE(this.#at - 4);
  }

  u64(): bigint {
    this.#at += 8;
    return this.#bytes.readBigUInt64BE(this.#at - 8);
  }

  raw(length: number): Buffer {
    const start = this.#at;
    this.#at += length + ((4 - (length % 4)) % 4);
    if (this.#at > this.#bytes.length) throw new RangeError('the answer is too short');
    return this.#bytes.subarray(start, start + length);
  }

  opaque(): Buffer {
    return this.raw(this.u32());
  }

  optional<T>(read: (from: this) => T): T | undefined {
    return this.u32() === 1 ? read(this) : undefined;
  }

  list<T>(read: (from: this) => T): T[] {
    const items: T[] = [];
    while (this.u32() === 1) items.push(read(this));
    return items;
  }

  /** The answer ends here. */
  end(): void {
    if (this.left !== 0) throw new RangeError(`${this.left} bytes follow the answer`);
  }
}

/**
 * Writes XDR into pieces, which a socket takes as they are: what is small is gathered into chunks, what is large
 * (file data) stays where it is and is referenced. Such bytes must not change until they are sent.
 *
 * Values come from us, so one that does not fit its type is a fault of ours: `RangeError`.
 *
 * @source RFC 4506
 */

/** Holds the answer of most procedures, attributes on both sides of a change included. */
const FIRST_CHUNK_BYTES = 256;
/** Chunks double up to this size, for answers such as READDIR's. */
const CHUNK_BYTES_MAX = 64 << 10;
/** From this length on bytes are referenced: copying less is cheaper than one more piece for the socket. */
const REFERENCED_BYTES_MIN = 16 << 10;
/** File data from this length on is: what it is appended to copies it, if it is short, and once is enough. */
const REFERENCED_DATA_BYTES_MIN = 512;

/** Room for a number that is known later, such as a count. */
export interface Reserved {
  set(value: number): void;
}

export class XdrWriter {
  /** Finished, in order. What is in the chunk from `#start` on comes after them. */
  readonly #pieces: Buffer[] = [];
  #piecesBytes = 0;
  #chunk: Buffer;
  #start = 0;
  #at = 0;
  #afterUse: (() => void)[] | undefined;

  /** `firstChunkBytes`: what the answer is expected to need, apart from large data. */
  constructor(firstChunkBytes = FIRST_CHUNK_BYTES) {
    this.#chunk = Buffer.allocUnsafe(Math.max(firstChunkBytes, 8));
  }

  /** Of all that was written. A multiple of four. */
  get lengthBytes(): number {
    return this.#piecesBytes + this.#at - this.#start;
  }

  /** All that was written, in order. */
  get pieces(): readonly Buffer[] {
    if (this.#at === this.#start) return this.#pieces;
    return [...this.#pieces, this.#chunk.subarray(this.#start, this.#at)];
  }

  uint32(value: number): this {
    if (value >>> 0 !== value) throw new RangeError(`${value} is not a uint32`);
    this.#makeRoom(4);
    this.#word(value);
    return this;
  }

  int32(value: number): this {
    this.#makeRoom(4);
    this.#at = this.#chunk.writeInt32BE(value, this.#at);
    return this;
  }

  /** A number must be a safe integer. */
  uint64(value: bigint | number): this {
    this.#makeRoom(8);
    if (typeof value === 'bigint') {
      this.#at = this.#chunk.writeBigUInt64BE(value, this.#at);
      return this;
    }
    if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`${value} is not a uint64`);
    this.#word(Math.floor(value / 2 ** 32));
    this.#word(value % 2 ** 32);
    return this;
  }

  bool(value: boolean): this {
    return this.uint32(value ? 1 : 0);
  }

  /** Opaque data of a length both sides know, padded. */
  fixed(bytes: Uint8Array): this {
    this.#raw(bytes);
    return this.#pad(bytes.length);
  }

  /** Opaque data with its length before it. */
  opaque(bytes: Uint8Array): this {
    return this.uint32(bytes.length).fixed(bytes);
  }

  /** One opaque item whose bytes lie in several places. `lengthBytes` is the sum of their lengths. */
  opaquePieces(pieces: readonly Uint8Array[], lengthBytes: number): this {
    this.uint32(lengthBytes);
    let writtenBytes = 0;
    for (const piece of pieces) {
      this.#raw(piece, REFERENCED_DATA_BYTES_MIN);
      writtenBytes += piece.length;
    }
    if (writtenBytes !== lengthBytes) {
      throw new RangeError(`${writtenBytes} bytes were given as opaque data of ${lengthBytes}`);
    }
    return this.#pad(lengthBytes);
  }

  /** As UTF-8. */
  text(text: string): this {
    return this.opaque(Buffer.from(text, 'utf8'));
  }

  /** Items with their count before them. */
  array<T>(items: readonly T[], write: (writer: this, item: T) => void): this {
    this.uint32(items.length);
    for (const item of items) write(this, item);
    return this;
  }

  /** Items each with a 1 before it, a 0 after the last: RFC 4506 §4.19's linked list. */
  list<T>(items: Iterable<T>, write: (writer: this, item: T) => void): this {
    for (const item of items) {
      this.bool(true);
      write(this, item);
    }
    return this.bool(false);
  }

  optional<T>(value: T | undefined, write: (writer: this, value: T) => void): this {
    this.bool(value !== undefined);
    if (value !== undefined) write(this, value);
    return this;
  }

  /** All that `other` holds, as if it were written here. It must not be written to afterwards. */
  append(other: XdrWriter): this {
    for (const piece of other.#pieces) this.#raw(piece);
    if (other.#at > other.#start) this.#raw(other.#chunk.subarray(other.#start, other.#at));
    for (const release of other.#afterUse ?? []) this.afterUse(release);
    return this;
  }

  /** Has `release` called when the bytes written are needed no more. It may never be: then they are lost with it. */
  afterUse(release: () => void): this {
    this.#afterUse ??= [];
    this.#afterUse.push(release);
    return this;
  }

  /** What was written has been sent. */
  release(): void {
    const releases = this.#afterUse ?? [];
    this.#afterUse = undefined;
    for (const release of releases) release();
  }

  /** Leaves room for one uint32, which is 0 until it is set. */
  reserve(): Reserved {
    this.uint32(0);
    const chunk = this.#chunk;
    const at = this.#at - 4;
    return {
      set: (value) => {
        chunk.writeUInt32BE(value, at);
      },
    };
  }

  /** By hand: Buffer has its arguments checked by functions that V8 does not inline, and an answer is mostly words. */
  #word(value: number): void {
    const chunk = this.#chunk;
    const at = this.#at;
    chunk[at] = value >>> 24;
    chunk[at + 1] = value >>> 16;
    chunk[at + 2] = value >>> 8;
    chunk[at + 3] = value;
    this.#at = at + 4;
  }

  #raw(bytes: Uint8Array, referencedBytesMin = REFERENCED_BYTES_MIN): void {
    if (bytes.length >= referencedBytesMin) {
      this.#finishPiece();
      this.#add(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
      return;
    }
    this.#makeRoom(bytes.length);
    this.#chunk.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  #pad(lengthBytes: number): this {
    const paddingBytes = -lengthBytes & 3;
    this.#makeRoom(paddingBytes);
    for (const end = this.#at + paddingBytes; this.#at < end; this.#at += 1) this.#chunk[this.#at] = 0;
    return this;
  }

  #makeRoom(lengthBytes: number): void {
    if (lengthBytes <= this.#chunk.length - this.#at) return;
    this.#finishPiece();
    const nextBytes = Math.min(this.#chunk.length * 2, CHUNK_BYTES_MAX);
    this.#chunk = Buffer.allocUnsafe(Math.max(nextBytes, lengthBytes));
    this.#start = 0;
    this.#at = 0;
  }

  #finishPiece(): void {
    if (this.#at === this.#start) return;
    this.#add(this.#chunk.subarray(this.#start, this.#at));
    this.#start = this.#at;
  }

  #add(piece: Buffer): void {
    this.#pieces.push(piece);
    this.#piecesBytes += piece.length;
  }
}

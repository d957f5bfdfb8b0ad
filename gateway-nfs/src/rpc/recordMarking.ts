/**
 * Record marking: on a byte stream a message is one or more fragments, each after four bytes that hold its length
 * in 31 bits, and in the top bit whether it is the record's last.
 *
 * Bytes are pushed as they come and records are taken as they are wanted: what is not taken stays in the last chunk
 * pushed, and nothing is pushed before all of it is used. A short record that lies within one chunk is a view of it;
 * any other is gathered in memory that grows with what has come, never with what was announced.
 *
 * @source RFC 5531 §11
 */

import { type MemoryPool, POOLED_BYTES_MIN } from './memory.ts';

const LAST_FRAGMENT = 0x8000_0000;
export const MARK_BYTES = 4;
/** The first memory for a record that does not lie within one chunk. */
const GATHERED_BYTES_MIN = 4 << 10;
/** Memory grows by this factor: what is taken for a sender's sake stays within it of what the sender sent. */
const GROWTH = 4;
/**
 * Whoever has sent more gets memory for all of its record, once. With some more each time, a few hundred long records
 * under way would hold the memory that each needs to come to its end.
 */
const GROWN_BYTES_MAX = 64 << 10;

/** What a peer sends is no record within the bounds: there is no finding the next one, so the connection ends. */
export class RecordError extends Error {
  override readonly name = 'RecordError';
}

export interface RecordBounds {
  /** Of the fragments together, without marks. */
  readonly recordBytesMax: number;
  /** Of one record, those of length 0 included. */
  readonly fragmentsMax: number;
}

/** Asks for memory to gather a record in. False: not now. */
export type TakeMemory = (lengthBytes: number) => boolean;

export type NextRecord =
  | {
      readonly kind: 'record';
      readonly bytes: Buffer;
      /** Taken of the memory for it, to be given back. */
      readonly takenBytes: number;
      /** What of the pool it lies in, to be given back. */
      readonly memory?: Buffer;
    }
  /** All that was pushed is used, and more must come. */
  | { readonly kind: 'more' }
  /** There are bytes, and no memory to gather them in. */
  | { readonly kind: 'starved' };

const MORE: NextRecord = { kind: 'more' };
export const STARVED: NextRecord = { kind: 'starved' };
const NOTHING = Buffer.alloc(0);

export class RecordReader {
  readonly #bounds: RecordBounds;
  readonly #take: TakeMemory;
  readonly #pool: MemoryPool | undefined;
  /** What was pushed, used up to `#at`. */
  #chunk: Buffer = NOTHING;
  #at = 0;
  /** The record being gathered, filled up to `#gatheredBytes`. */
  #gathered: Buffer = NOTHING;
  /** What of the pool that is. */
  #memory: Buffer | undefined;
  #gatheredBytes = 0;
  /** Of the fragment being read. */
  #leftBytes = 0;
  #isLast = false;
  #fragments = 0;
  /** A mark that came in pieces. */
  #mark = 0;
  #markBytes = 0;

  constructor(bounds: RecordBounds, take: TakeMemory, pool?: MemoryPool) {
    this.#bounds = bounds;
    this.#take = take;
    this.#pool = pool;
  }

  /** A record has begun, and is not here in full. */
  get isWithinRecord(): boolean {
    return this.#fragments > 0 || this.#markBytes > 0;
  }

  /** Of the chunk pushed last: it is kept whole as long as any of it is not used. */
  get keptBytes(): number {
    return this.#chunk.length;
  }

  /** To be called only at the start and after `next` answered `more`. */
  push(chunk: Buffer): void {
    this.#chunk = chunk;
    this.#at = 0;
  }

  /** Copies what is not used of the chunk, whose memory may be used for others from now on. */
  keep(): void {
    if (this.#chunk.length > 0) this.#chunk = Buffer.from(this.#chunk.subarray(this.#at));
    this.#at = 0;
  }

  /** @throws RecordError */
  next(): NextRecord {
    for (;;) {
      if (this.#leftBytes > 0) {
        if (this.#at === this.#chunk.length) return this.#more();
        if (!this.#gather()) return STARVED;
        if (this.#leftBytes > 0) return this.#more();
        if (this.#isLast) return this.#finish();
      }
      if (!this.#readMark()) return this.#more();
      if (this.#leftBytes > 0) {
        if (this.#liesWithinChunk()) return this.#view();
      } else if (this.#isLast) return this.#finish();
    }
  }

  #more(): NextRecord {
    // The chunk's memory is not kept for the sake of a connection that says no more.
    this.#chunk = NOTHING;
    this.#at = 0;
    return MORE;
  }

  /** False if not all four bytes are here. */
  #readMark(): boolean {
    const chunk = this.#chunk;
    if (this.#markBytes === 0 && chunk.length - this.#at >= MARK_BYTES) {
      this.#mark = chunk.readUInt32BE(this.#at);
      this.#at += MARK_BYTES;
    } else {
      while (this.#markBytes < MARK_BYTES) {
        const byte = chunk[this.#at];
        if (byte === undefined) return false;
        this.#mark = ((this.#mark << 8) | byte) >>> 0;
        this.#markBytes += 1;
        this.#at += 1;
      }
      this.#markBytes = 0;
    }
    this.#isLast = this.#mark >= LAST_FRAGMENT;
    this.#leftBytes = this.#isLast ? this.#mark - LAST_FRAGMENT : this.#mark;
    this.#fragments += 1;
    this.#checkBounds();
    return true;
  }

  #checkBounds(): void {
    const { recordBytesMax, fragmentsMax } = this.#bounds;
    const lengthBytes = this.#gatheredBytes + this.#leftBytes;
    if (lengthBytes > recordBytesMax) {
      throw new RecordError(`a record has ${lengthBytes} bytes or more, of at most ${recordBytesMax}`);
    }
    if (this.#fragments > fragmentsMax) throw new RecordError(`a record has over ${fragmentsMax} fragments`);
  }

  #liesWithinChunk(): boolean {
    if (!this.#isLast || this.#gatheredBytes > 0 || this.#leftBytes >= POOLED_BYTES_MIN) return false;
    return this.#leftBytes <= this.#chunk.length - this.#at;
  }

  #view(): NextRecord {
    const bytes = this.#chunk.subarray(this.#at, this.#at + this.#leftBytes);
    this.#at += this.#leftBytes;
    this.#leftBytes = 0;
    this.#fragments = 0;
    return { kind: 'record', bytes, takenBytes: 0 };
  }

  /** Copies what is here of the fragment. False if there is no memory for it. */
  #gather(): boolean {
    const hereBytes = Math.min(this.#leftBytes, this.#chunk.length - this.#at);
    if (!this.#makeRoom(this.#gatheredBytes + hereBytes)) return false;
    this.#chunk.copy(this.#gathered, this.#gatheredBytes, this.#at, this.#at + hereBytes);
    this.#gatheredBytes += hereBytes;
    this.#leftBytes -= hereBytes;
    this.#at += hereBytes;
    return true;
  }

  #makeRoom(neededBytes: number): boolean {
    const hasBytes = this.#gathered.length;
    if (neededBytes <= hasBytes) return true;
    // No more than the record can still need.
    const knownBytes = this.#isLast ? this.#gatheredBytes + this.#leftBytes : this.#bounds.recordBytesMax;
    const grownBytes = Math.max(neededBytes * GROWTH, GATHERED_BYTES_MIN);
    const wantedBytes = neededBytes > GROWN_BYTES_MAX ? knownBytes : Math.min(grownBytes, knownBytes);
    if (!this.#take(wantedBytes - hasBytes)) return false;
    const memory = wantedBytes >= POOLED_BYTES_MIN ? this.#pool?.take(wantedBytes) : undefined;
    const larger = memory?.subarray(0, wantedBytes) ?? Buffer.allocUnsafeSlow(wantedBytes);
    this.#gathered.copy(larger, 0, 0, this.#gatheredBytes);
    if (this.#memory) this.#pool?.give(this.#memory);
    this.#gathered = larger;
    this.#memory = memory;
    return true;
  }

  #finish(): NextRecord {
    const bytes = this.#gathered.subarray(0, this.#gatheredBytes);
    const takenBytes = this.#gathered.length;
    const memory = this.#memory;
    this.#gathered = NOTHING;
    this.#memory = undefined;
    this.#gatheredBytes = 0;
    this.#fragments = 0;
    return { kind: 'record', bytes, takenBytes, ...(memory && { memory }) };
  }
}

/** The mark of a record that is one fragment. */
export function recordMark(lengthBytes: number): number {
  return LAST_FRAGMENT + lengthBytes;
}

/**
 * The engine contract: an ordered, transactional, strictly serialisable key-value store.
 *
 * An operation is a generator. It *yields* every read and buffers every write, so one implementation of the
 * file-system logic runs on an in-process synchronous engine (LMDB) and on a remote or simulated asynchronous
 * one. The driver owns scheduling: it may run many operations in one batch, suspend one at any yield, or
 * throw one away half-way and start it again from its factory.
 *
 * Keys order as unsigned bytes. Keys are 1 to {@link KEY_BYTES_MAX} bytes. Buffers handed in must not change
 * afterwards; buffers handed out may be kept and must not be written to.
 */

/** LMDB's largest key with 4 KiB pages. */
export const KEY_BYTES_MAX = 1978;

export type Bytes = Uint8Array;

export interface Entry {
  readonly key: Bytes;
  readonly value: Bytes;
}

/** Keys `start` (inclusive) to `end` (exclusive), at most `limit` of them, from the end when `reverse`. */
export interface KeyRange {
  readonly start: Bytes;
  readonly end: Bytes;
  readonly limit: number;
  readonly reverse?: boolean;
  /** Told the key of each record that is damaged, which is left out then. Unless given, one fails the read. */
  readonly onDamaged?: (key: Bytes) => void;
}

export type ReadRequest =
  | { readonly kind: 'get'; readonly key: Bytes }
  | { readonly kind: 'getMany'; readonly keys: readonly Bytes[] }
  | { readonly kind: 'range'; readonly range: KeyRange };

/** What a driver sends back into the generator: the shape is fixed by the request's kind. */
export type ReadReply = Bytes | undefined | readonly (Bytes | undefined)[] | readonly Entry[];

/** A resumable piece of an operation. Only reads yield. Never `Op<void>`: a forgotten `yield*` would be silent. */
export type Op<T> = Generator<ReadRequest, T, ReadReply>;

export interface ReadTx {
  get(key: Bytes): Op<Bytes | undefined>;
  /** One reply per key, in order: one round trip on a remote engine. */
  getMany(keys: readonly Bytes[]): Op<readonly (Bytes | undefined)[]>;
  range(range: KeyRange): Op<readonly Entry[]>;
}

/** Reads see this transaction's own writes, ranges included. Writes are applied only if the operation returns. */
export interface WriteTx extends ReadTx {
  put(key: Bytes, value: Bytes): void;
  delete(key: Bytes): void;
}

export interface Engine {
  /**
   * Runs `op` on one consistent snapshot that includes every write acknowledged, by any process, before the call.
   * `op` may be called more than once, so it must be free of side effects.
   * @throws EngineError Closed | Failed | Contention | Damaged
   */
  read<T>(op: (tx: ReadTx) => Op<T>): Promise<T>;
  /**
   * Runs `op` strictly serialisably. Resolves only when its writes are on stable storage; until then nobody
   * sees them. When `op` throws, nothing is written and the promise rejects with that error.
   * `op` may be called more than once, so it must be free of side effects.
   * @throws EngineError Closed | Full | Failed | Contention | Damaged (the operation met such a record) | TooLarge
   */
  write<T>(op: (tx: WriteTx) => Op<T>): Promise<T>;
  /** How much it could take without more room on the device: what was freed within its own file, roughly. */
  spareBytes(): Promise<number>;
  /** Waits for the writes under way, then releases everything. Later calls throw Closed. */
  close(): Promise<void>;
}

/** Counted since it was opened. */
export interface EngineCounts {
  /** Of operations that became durable together. */
  readonly batches: number;
  /** That ran in those, refused ones included. */
  readonly operations: number;
  /** Operations and reads whose records were fetched from the disk first. */
  readonly warmed: number;
}

/** An engine that says what it has done. */
export interface CountingEngine extends Engine {
  readonly counts: EngineCounts;
  /** Operations that have not begun. */
  readonly waiting: number;
}

/**
 * - `Closed`: the engine was closed.
 * - `Full`: no room on the device; nothing was written, reads go on.
 * - `Failed`: the device failed; what the disk holds is no longer known and the process must end.
 * - `Contention`: a conflict did not go away within the driver's bound; nothing was written, try again.
 * - `Damaged`: what was to be read is not as it was written; others can be read, and written.
 * - `TooLarge`: the operation writes more than a transaction may hold; nothing was written, and never will be.
 */
export type EngineErrorCode = 'Closed' | 'Full' | 'Failed' | 'Contention' | 'Damaged' | 'TooLarge';

export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: EngineErrorCode;
  constructor(code: EngineErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** A record is not as it was written, or is where another should be. */
export class DamagedRecord extends EngineError {
  readonly key: Bytes;
  constructor(key: Bytes) {
    const hex = Buffer.from(key).toString('hex');
    super('Damaged', `the metadata record ${hex} is damaged`);
    this.key = key;
  }
}

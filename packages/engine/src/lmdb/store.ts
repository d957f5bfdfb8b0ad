import { open, type RootDatabase } from 'lmdb';
import { checkKey } from '../byteOrder.ts';
import { type Bytes, type Entry, KEY_BYTES_MAX, type KeyRange } from '../contract.ts';
import type { Snapshot } from '../snapshot.ts';

/** What of lmdb-js the driver uses: bytes in, bytes out, nothing cached, nothing overlapped. */
export class LmdbStore implements Snapshot {
  readonly #db: RootDatabase<Bytes, Bytes>;

  constructor(options: { readonly path: string; readonly mapSizeBytes: number }) {
    this.#db = open<Bytes, Bytes>({
      path: options.path,
      noSubdir: false,
      mapSize: options.mapSizeBytes,
      // The stock binary encodings would give each key and value an ArrayBuffer of its own: 1 µs a piece.
      keyEncoder: { writeKey, readKey: copyOut },
      encoder: { encode: (value: Bytes) => value, decode: (found: Bytes) => copyOut(found, 0, found.length) },
      // With lmdb-js's default a commit is visible, and answered, before it is durable.
      overlappingSync: false,
      // Else each transaction carries a promise nobody holds, and a failed commit ends the process through it.
      eventTurnBatching: false,
    });
    this.#db.readerCheck();
  }

  get(key: Bytes): Bytes | undefined {
    checkKey(key);
    return this.#db.get(key);
  }

  range({ start, end, limit, reverse = false }: KeyRange): readonly Entry[] {
    if (limit <= 0 || Buffer.compare(start, end) >= 0) return [];
    const from = clamp(start);
    const to = clamp(end);
    // A clamped bound lies just before the bound it stands for, and may itself be a key: of a clamped start
    // that key is out, of a clamped end it is in.
    const entries = reverse
      ? this.#db.getRange({
          start: to,
          end: from,
          reverse,
          limit,
          exclusiveStart: to === end,
          inclusiveEnd: from === start,
        })
      : this.#db.getRange({
          start: from,
          end: to,
          limit,
          exclusiveStart: from !== start,
          inclusiveEnd: to !== end,
        });
    return Array.from(entries);
  }

  put(key: Bytes, value: Bytes): void {
    void this.#db.put(key, value);
  }

  remove(key: Bytes): void {
    void this.#db.remove(key);
  }

  /** Lets the next read see everything acknowledged so far: lmdb-js otherwise keeps a snapshot for a turn. */
  refresh(): void {
    this.#db.resetReadTxn();
  }

  /** Runs `batch` in one child transaction: when it throws, nothing of it stays. Resolves once durable. */
  transact<T>(batch: () => T): Promise<T> {
    return this.#db.childTransaction(batch);
  }

  close(): Promise<void> {
    return this.#db.close();
  }
}

function writeKey(key: Bytes, target: Buffer, start: number): number {
  target.set(key, start);
  return start + key.length;
}

/** lmdb-js reads into one buffer, over and over: what is kept must be copied out of it. */
function copyOut(source: Bytes, start: number, end: number): Buffer {
  const copy = Buffer.allocUnsafe(end - start);
  Buffer.prototype.copy.call(source, copy, 0, start, end);
  return copy;
}

/** LMDB takes no bound longer than a key. */
function clamp(bound: Bytes): Bytes {
  return bound.length > KEY_BYTES_MAX ? bound.subarray(0, KEY_BYTES_MAX) : bound;
}

import { Buffer } from 'node:buffer';
import { type Database, open } from 'lmdb';
import type { Bytes } from '../contract.ts';
import type { OwnWrite } from '../mergeRange.ts';
import { sealed } from './seal.ts';

/** Values with their seals. */
export type BytesDatabase = Database<Buffer, Bytes>;

/** The pages that transactions write are counted, at no cost to speak of. */
const UNDECLARED = { trackMetrics: true };

/**
 * Opens lmdb-js so that it keeps what the engine promises: bytes in, bytes out, nothing cached or overlapped.
 * Opening also frees the slots of readers that died, which would keep old pages from being used again.
 */
export function openDatabase(options: {
  readonly path: string;
  readonly mapSizeBytes: number;
  /** Nothing is synced: for who has a journal. Unless told, every transaction is, twice. */
  readonly noSync?: boolean;
  /** Nothing can be written. Unless told, it can. */
  readonly readOnly?: boolean;
}): BytesDatabase {
  return open<Buffer, Bytes>({
    path: options.path,
    noSubdir: false,
    mapSize: options.mapSizeBytes,
    noSync: options.noSync ?? false,
    readOnly: options.readOnly ?? false,
    ...UNDECLARED,
    // The stock binary encodings would give each key and value an ArrayBuffer of its own: 1 µs a piece.
    keyEncoder: { writeKey, readKey: copyOut },
    encoder: { encode: (value: Bytes) => value, decode: (found: Bytes) => copyOut(found, 0, found.length) },
    // With lmdb-js's default a commit is visible, and answered, before it is durable.
    overlappingSync: false,
    // Else each transaction carries a promise nobody holds, and a failed commit ends the process through it.
    eventTurnBatching: false,
  });
}

/** Seals and puts, and removes, in the transaction that is open. */
export function putAll(database: BytesDatabase, writes: readonly OwnWrite[]): void {
  for (const { key, value } of writes) {
    if (value === undefined) void database.remove(key);
    else void database.put(key, sealed(key, value));
  }
}

/** Up to so many bytes it is quicker to copy them one by one than to call what copies many at once: 0.1 µs less. */
const BY_HAND_MAX = 128;

function writeKey(key: Bytes, target: Buffer, start: number): number {
  const { length } = key;
  if (length > BY_HAND_MAX) target.set(key, start);
  else for (let at = 0; at < length; at++) target[start + at] = key[at] ?? 0;
  return start + length;
}

/** lmdb-js reads into one buffer, over and over: what is kept must be copied out of it. */
function copyOut(source: Bytes, start: number, end: number): Buffer {
  const length = end - start;
  const copy = Buffer.allocUnsafe(length);
  if (length > BY_HAND_MAX) Buffer.prototype.copy.call(source, copy, 0, start, end);
  else for (let at = 0; at < length; at++) copy[at] = source[start + at] ?? 0;
  return copy;
}

import type { Buffer } from 'node:buffer';
import { statSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { type Database, open } from 'lmdb';
import type { Bytes } from '../contract.ts';
import type { OwnWrite } from '../mergeRange.ts';
import { BY_HAND_MAX, copyOut } from './copyOut.ts';
import { DATA_FILE } from './dataFile.ts';
import { sealed } from './seal.ts';

/**
 * Values with their seals. What a read gives is lent: it is good until the next one, and only as far as its `length`
 * says, which methods of Buffer do not ask.
 */
export type BytesDatabase = Database<Buffer, Bytes>;

/** What lmdb-js knows and does not declare. */
interface UndeclaredOptions {
  /** The pages that transactions write are counted, at no cost to speak of. */
  readonly trackMetrics: true;
  /** The system is told that pages are asked for in no order. */
  readonly noReadAhead: boolean;
  /** Numbers of free pages that a commit leaves in memory for the next, when there are no more. */
  readonly maxFreeSpaceToRetain: number;
}

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
    ...undeclared(options.path),
    // The stock binary encodings would give each key and value an ArrayBuffer of its own: 1 µs a piece.
    keyEncoder: { writeKey, readKey: copyOut },
    encoder: { encode: (value: Bytes) => value, decode: (lent: Bytes) => lent },
    // With lmdb-js's default a commit is visible, and answered, before it is durable.
    overlappingSync: false,
    // Else each transaction carries a promise nobody holds, and a failed commit ends the process through it.
    eventTurnBatching: false,
  });
}

/**
 * lmdb-js keeps 75,000 unless told. Of what is kept it writes only what it believes to have changed, and a page given back in the
 * transaction that took it is not among that (`mdb_ovpage_free`, mdb.c): records of the list then do not fit each other.
 * What is read anew for each transaction is written as a whole; and is less, where what is kept is looked through by each.
 */
const RETAINED_MAX = 0;

/** Of the memory that there is. */
const READ_AHEAD_SHARE_MAX = 1 / 2;

/**
 * What is read ahead, of a file that memory holds, is all of it soon; of one that it does not, it is mostly read in vain, in the
 * place of what will be asked for. Some systems read 8 MiB where one page is missing.
 */
function undeclared(path: string): UndeclaredOptions {
  const sizeBytes = statSync(join(path, DATA_FILE), { throwIfNoEntry: false })?.size ?? 0;
  const memoryBytes = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  return {
    trackMetrics: true,
    noReadAhead: sizeBytes > memoryBytes * READ_AHEAD_SHARE_MAX,
    maxFreeSpaceToRetain: RETAINED_MAX,
  };
}

/** Seals and puts, and removes, in the transaction that is open. */
export function putAll(database: BytesDatabase, writes: readonly OwnWrite[]): void {
  for (const { key, value } of writes) {
    if (value === undefined) void database.remove(key);
    else void database.put(key, sealed(key, value));
  }
}

function writeKey(key: Bytes, target: Buffer, start: number): number {
  const { length } = key;
  if (length > BY_HAND_MAX) target.set(key, start);
  else for (let at = 0; at < length; at++) target[start + at] = key[at] ?? 0;
  return start + length;
}

/**
 * What a store is written in: feature flags, so that a program meets no store it would misread.
 * A set bit that this program does not know means, by where it stands:
 * - compatible: nothing; it may read and write.
 * - read-only compatible: it may only read. There is no read-only mode yet, so it must not open.
 * - incompatible: it must not open. Nor may it a store without one of those that it knows, which an older program wrote.
 */

import type { Op, ReadTx } from '@facet/engine';
import type { Command } from '../commands/command.ts';
import { FsError } from '../errors.ts';
import { Reader, Writer } from './codec.ts';
import { formatKey } from './keys.ts';

interface Format {
  readonly compatible: number;
  readonly readOnlyCompatible: number;
  readonly incompatible: number;
}

/** Each record carries a checksum where LMDB keeps it: who does not know takes that for a part of the value. */
const SEALED_RECORDS = 1;
/** What S3 knows of an object lies in its inode's record: who does not know takes it for a file that was never put. */
const OBJECTS_IN_INODES = 2;
const KNOWN: Format = {
  compatible: 0,
  readOnlyCompatible: 0,
  incompatible: SEALED_RECORDS | OBJECTS_IN_INODES,
};
const SCHEMA = 1;

function encodeFormat(format: Format): Buffer {
  const { compatible, readOnlyCompatible, incompatible } = format;
  return new Writer(13).u8(SCHEMA).u32(compatible).u32(readOnlyCompatible).u32(incompatible).done();
}

function decodeFormat(bytes: Uint8Array): Format {
  const reader = new Reader(bytes).schema(SCHEMA, 'format');
  return { compatible: reader.u32(), readOnlyCompatible: reader.u32(), incompatible: reader.u32() };
}

/** Whether the store was ever opened: before anything else is done to it, it is marked. */
export function* isMarked(tx: ReadTx): Op<boolean> {
  return (yield* tx.get(formatKey())) !== undefined;
}

/** Marks a new store; checks one that is there. @throws FsError Invalid (a newer or an older program wrote it) */
export const checkFormat: Command<Readonly<Record<string, never>>, Format> = {
  name: 'checkFormat',
  runsWhenFull: true,
  *run(tx) {
    const format = yield* knownFormat(tx);
    if (format) return format;
    tx.put(formatKey(), encodeFormat(KNOWN));
    return KNOWN;
  },
};

/** Of a store that is marked. @throws FsError Invalid (a newer or an older program wrote it) */
export function* knownFormat(tx: ReadTx): Op<Format | undefined> {
  const stored = yield* tx.get(formatKey());
  if (!stored) return undefined;
  const format = decodeFormat(stored);
  mustBeKnown(format);
  return format;
}

function mustBeKnown({ incompatible, readOnlyCompatible }: Format): void {
  const unknown = (incompatible & ~KNOWN.incompatible) | (readOnlyCompatible & ~KNOWN.readOnlyCompatible);
  if (unknown !== 0) {
    throw new FsError(
      'Invalid',
      `this store has features this program does not know (${hex(unknown)}): use the version that wrote it`,
    );
  }
  const missing = KNOWN.incompatible & ~incompatible;
  if (missing !== 0) {
    throw new FsError(
      'Invalid',
      `this store was written by an older version, in another format (without ${hex(missing)}): use that version, and copy what is in it to a new store, as by S3`,
    );
  }
}

const hex = (bits: number): string => `0x${(bits >>> 0).toString(16)}`;

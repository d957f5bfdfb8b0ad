/**
 * What a store is written in: feature flags, so that a program meets no store it would misread.
 * A set bit that this program does not know means, by where it stands:
 * - compatible: nothing; it may read and write.
 * - read-only compatible: it may only read. There is no read-only mode yet, so it must not open.
 * - incompatible: it must not open.
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
const KNOWN: Format = { compatible: 0, readOnlyCompatible: 0, incompatible: SEALED_RECORDS };
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

/** Marks a new store; checks one that is there. @throws FsError Invalid (a newer program wrote it) */
export const checkFormat: Command<Readonly<Record<string, never>>, Format> = {
  name: 'checkFormat',
  runsWhenFull: true,
  *run(tx) {
    const stored = yield* tx.get(formatKey());
    if (!stored) {
      tx.put(formatKey(), encodeFormat(KNOWN));
      return KNOWN;
    }
    const format = decodeFormat(stored);
    const unknown =
      (format.incompatible & ~KNOWN.incompatible) | (format.readOnlyCompatible & ~KNOWN.readOnlyCompatible);
    if (unknown !== 0) {
      throw new FsError(
        'Invalid',
        `this store has features this program does not know (0x${(unknown >>> 0).toString(16)}): use the version that wrote it`,
      );
    }
    return format;
  },
};

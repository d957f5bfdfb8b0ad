/** Calls that were answered, so that a client that asks again gets the same answer. */

import { type InodeId, inodeId, type Timestamp, timestamp } from '../../ids.ts';
import { Reader, Writer } from '../codec.ts';

export interface AnsweredCall {
  readonly xid: number;
  readonly checksum: number;
  readonly answered: Timestamp;
  /** The inode that the answer named: what was made, or found by its name. `isNew`: it was made. */
  readonly named?: { readonly inode: InodeId; readonly generation: number; readonly isNew: boolean };
}

const TAG = { named: 1 } as const;

export function encodeCall(call: AnsweredCall): Buffer {
  const { xid, checksum, answered, named } = call;
  const writer = new Writer(named ? 39 : 21).u8(1).u32(xid).u64(checksum).bigU64(answered);
  if (named) {
    writer.field(TAG.named, (field) =>
      field
        .u64(named.inode)
        .u32(named.generation)
        .u8(named.isNew ? 1 : 0),
    );
  }
  return writer.done();
}

export function decodeCall(bytes: Uint8Array): AnsweredCall {
  const reader = new Reader(bytes).schema(1, 'answered call');
  return readAnswer(reader, reader.u32(), reader.u64());
}

/** Undefined when another call was answered: its record is looked at no further, as every new call meets one. */
export function decodeAnswerTo(
  call: { readonly xid: number; readonly checksum: number },
  bytes: Uint8Array,
): AnsweredCall | undefined {
  const reader = new Reader(bytes).schema(1, 'answered call');
  const [xid, checksum] = [reader.u32(), reader.u64()];
  return xid === call.xid && checksum === call.checksum ? readAnswer(reader, xid, checksum) : undefined;
}

function readAnswer(reader: Reader, xid: number, checksum: number): AnsweredCall {
  const fixed = { xid, checksum, answered: timestamp(reader.bigU64()) };
  let named: AnsweredCall['named'];
  reader.fields({
    [TAG.named]: (field) => {
      named = { inode: inodeId(field.u64()), generation: field.u32(), isNew: field.u8() === 1 };
    },
  });
  return named ? { ...fixed, named } : fixed;
}

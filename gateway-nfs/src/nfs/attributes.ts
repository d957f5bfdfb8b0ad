/** Attributes on the wire. @source RFC 1813 §2.3.5 to §2.3.9, §2.6 */
import {
  type AttributeChanges,
  type BeforeAfter,
  type FileAttributes,
  type NewTime,
  type Timestamp,
  timestamp,
} from '@facet/core';
import { XdrError } from '../xdr/error.ts';
import type { XdrReader } from '../xdr/reader.ts';
import type { XdrWriter } from '../xdr/writer.ts';
import { Nfs3Error } from './status.ts';

export const FTYPE3 = {
  file: 1,
  directory: 2,
  block: 3,
  character: 4,
  symlink: 5,
  socket: 6,
  fifo: 7,
} as const satisfies Record<FileAttributes['type'], number>;

const NS_PER_S = 1_000_000_000n;
const NS_PER_S_NUMBER = 1_000_000_000;
/** The last second the protocol can say, in 2106. */
const SECONDS_MAX = 2 ** 32 - 1;
const MODE_BITS = 0o7777;

/** post_op_attr with the attributes in it: a flag and 21 words. */
export const POST_OP_ATTR_BYTES = 88;

/** What was written last: the times of one file are often the same, and to divide a bigint takes as long as the rest. */
let lastTime = timestamp(0n);
let lastSeconds = 0;
let lastNanoseconds = 0;

function writeTime(out: XdrWriter, time: Timestamp): void {
  if (time !== lastTime) {
    const seconds = Number(time / NS_PER_S);
    lastTime = time;
    lastSeconds = Math.min(seconds, SECONDS_MAX);
    lastNanoseconds = seconds > SECONDS_MAX ? NS_PER_S_NUMBER - 1 : Number(time % NS_PER_S);
  }
  out.uint32(lastSeconds).uint32(lastNanoseconds);
}

export function writeFattr3(out: XdrWriter, file: FileAttributes): void {
  out
    .uint32(FTYPE3[file.type])
    .uint32(file.mode)
    .uint32(file.nlink)
    .uint32(file.uid)
    .uint32(file.gid)
    .uint64(file.sizeBytes)
    .uint64(file.usedBytes)
    .uint32(file.device?.major ?? 0)
    .uint32(file.device?.minor ?? 0)
    .uint64(file.volume)
    .uint64(file.inode);
  writeTime(out, file.atime);
  writeTime(out, file.mtime);
  writeTime(out, file.ctime);
}

export function writePostOpAttr(out: XdrWriter, file: FileAttributes | undefined): void {
  out.optional(file, writeFattr3);
}

/** Either side is absent where it is not known. */
export function writeWccData(out: XdrWriter, { before, after }: Partial<BeforeAfter>): void {
  out.optional(before, writeWccAttr);
  writePostOpAttr(out, after);
}

function writeWccAttr(out: XdrWriter, file: FileAttributes): void {
  out.uint64(file.sizeBytes);
  writeTime(out, file.mtime);
  writeTime(out, file.ctime);
}

/** @throws Nfs3Error NFS3ERR_INVAL (a second has no more nanoseconds) */
export function readTime(xdr: XdrReader): Timestamp {
  const seconds = xdr.uint32();
  const nanoseconds = xdr.uint32();
  if (nanoseconds >= NS_PER_S_NUMBER) {
    throw new Nfs3Error('NFS3ERR_INVAL', `${nanoseconds} nanoseconds are a second or more`);
  }
  return timestamp(BigInt(seconds) * NS_PER_S + BigInt(nanoseconds));
}

/** Past what a number holds exactly is past the end of any file: the core says so, or there is nothing to read. */
export function readOffset(xdr: XdrReader): number {
  const offset = xdr.uint64();
  return offset > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(offset);
}

const readUint32 = (xdr: XdrReader): number => xdr.uint32();

const DONT_CHANGE = 0;
const SET_TO_SERVER_TIME = 1;
const SET_TO_CLIENT_TIME = 2;

function readNewTime(xdr: XdrReader): NewTime | undefined {
  const how = xdr.uint32();
  switch (how) {
    case DONT_CHANGE:
      return undefined;
    case SET_TO_SERVER_TIME:
      return { kind: 'server' };
    case SET_TO_CLIENT_TIME:
      return { kind: 'client', time: readTime(xdr) };
    default:
      throw new XdrError(`time_how is 0, 1 or 2, not ${how}`);
  }
}

/** sattr3: what is absent stays as it is. */
export function readSattr3(xdr: XdrReader): AttributeChanges {
  const mode = xdr.optional(readUint32);
  const uid = xdr.optional(readUint32);
  const gid = xdr.optional(readUint32);
  const sizeBytes = xdr.optional(readOffset);
  const atime = readNewTime(xdr);
  const mtime = readNewTime(xdr);
  return {
    ...(mode !== undefined && { mode: mode & MODE_BITS }),
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
    ...(sizeBytes !== undefined && { sizeBytes }),
    ...(atime && { atime }),
    ...(mtime && { mtime }),
  };
}

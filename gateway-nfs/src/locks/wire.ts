/**
 * NLM version 4 and NSM version 1 as bytes.
 *
 * Lengths are bounded below the protocol's 1,024 bytes where what is read is kept: no lock manager in use names a host
 * by more than 255 bytes, or an owner.
 *
 * @source RFC 1813 §6 (appendix II); The Open Group, Protocols for Interworking: XNFS, Version 3W, chapters 10, 11, 14
 */
import type { XdrReader } from '../xdr/reader.ts';
import { XdrWriter } from '../xdr/writer.ts';
import { type ByteRange, type LockMode, OFFSET_END } from './segments.ts';

export const NLM_PROGRAM = 100_021;
export const NLM_VERSION = 4;
export const NSM_PROGRAM = 100_024;
export const NSM_VERSION = 1;

export const NLM_PROCEDURE = {
  TEST: 1,
  LOCK: 2,
  CANCEL: 3,
  UNLOCK: 4,
  GRANTED: 5,
  TEST_MSG: 6,
  LOCK_MSG: 7,
  CANCEL_MSG: 8,
  UNLOCK_MSG: 9,
  GRANTED_MSG: 10,
  TEST_RES: 11,
  LOCK_RES: 12,
  CANCEL_RES: 13,
  UNLOCK_RES: 14,
  GRANTED_RES: 15,
  SHARE: 20,
  UNSHARE: 21,
  NM_LOCK: 22,
  FREE_ALL: 23,
} as const;

export const NSM_PROCEDURE = {
  STAT: 1,
  MON: 2,
  UNMON: 3,
  UNMON_ALL: 4,
  SIMU_CRASH: 5,
  NOTIFY: 6,
} as const;

/** nlm4_stats, in order of their numbers. */
const NLM_STATS = [
  'GRANTED',
  'DENIED',
  'DENIED_NOLOCKS',
  'BLOCKED',
  'DENIED_GRACE_PERIOD',
  'DEADLCK',
  'ROFS',
  'STALE_FH',
  'FBIG',
  'FAILED',
] as const;
export type NlmStat = (typeof NLM_STATS)[number];

const COOKIE_BYTES_MAX = 1024;
const NAME_BYTES_MAX = 255;
const OWNER_BYTES_MAX = 255;
const HANDLE_BYTES_MAX = 64;
const MON_NAME_BYTES_MAX = 1024;
const PRIVATE_BYTES = 16;

/** A nlm4_lock. */
export interface WireLock {
  /** What the client calls its host: bytes as latin1. */
  readonly callerName: string;
  readonly handle: Buffer;
  readonly oh: Buffer;
  readonly svid: number;
  readonly offset: bigint;
  /** 0: to the end of the file, however far it grows. */
  readonly length: bigint;
}

/** What a call about a lock asks. Each kind of call has some of it; the rest is false or 0. */
export interface LockArgs {
  readonly cookie: Buffer;
  readonly lock: WireLock;
  readonly mode: LockMode;
  readonly block: boolean;
  readonly reclaim: boolean;
  /** The client's NSM state, 0 where it does not say. */
  readonly state: number;
}

export interface ShareArgs {
  readonly cookie: Buffer;
  readonly callerName: string;
  readonly handle: Buffer;
  readonly oh: Buffer;
  /** What others may not do: 1 read, 2 write, 3 both. */
  readonly deny: number;
  /** What the owner does: 1 reads, 2 writes, 3 both. */
  readonly access: number;
  readonly reclaim: boolean;
}

export interface Holder {
  readonly exclusive: boolean;
  readonly svid: number;
  readonly oh: Buffer;
  readonly range: ByteRange;
}

export interface Notice {
  readonly name: string;
  readonly state: number;
}

const readName = (args: XdrReader): string => args.opaque(NAME_BYTES_MAX).toString('latin1');
const readCookie = (args: XdrReader): Buffer => args.opaque(COOKIE_BYTES_MAX);
const readMode = (args: XdrReader): LockMode => (args.bool() ? 'exclusive' : 'shared');

/** Copies what a lock keeps, or it would keep the bytes of the whole call. */
function readLock(args: XdrReader): WireLock {
  return {
    callerName: readName(args),
    handle: Buffer.from(args.opaque(HANDLE_BYTES_MAX)),
    oh: Buffer.from(args.opaque(OWNER_BYTES_MAX)),
    svid: args.int32(),
    offset: args.uint64(),
    length: args.uint64(),
  };
}

export function readTestArgs(args: XdrReader): LockArgs {
  const asked = { cookie: readCookie(args), mode: readMode(args), lock: readLock(args) };
  args.end();
  return { ...asked, block: false, reclaim: false, state: 0 };
}

export function readLockArgs(args: XdrReader): LockArgs {
  const cookie = readCookie(args);
  const block = args.bool();
  const mode = readMode(args);
  const lock = readLock(args);
  const reclaim = args.bool();
  const state = args.int32();
  args.end();
  return { cookie, lock, mode, block, reclaim, state };
}

export function readCancelArgs(args: XdrReader): LockArgs {
  const cookie = readCookie(args);
  const block = args.bool();
  const mode = readMode(args);
  const lock = readLock(args);
  args.end();
  return { cookie, lock, mode, block, reclaim: false, state: 0 };
}

export function readUnlockArgs(args: XdrReader): LockArgs {
  const asked = { cookie: readCookie(args), lock: readLock(args) };
  args.end();
  return { ...asked, mode: 'shared', block: false, reclaim: false, state: 0 };
}

export function readShareArgs(args: XdrReader): ShareArgs {
  const cookie = readCookie(args);
  const callerName = readName(args);
  const handle = args.opaque(HANDLE_BYTES_MAX);
  const oh = args.opaque(OWNER_BYTES_MAX);
  const deny = args.uint32() & 3;
  const access = args.uint32() & 3;
  const reclaim = args.bool();
  args.end();
  return { cookie, callerName, handle, oh, deny, access, reclaim };
}

/** A nlm4_res: only the cookie and what became of the call. `undefined` for a status that does not exist. */
export function readResult(args: XdrReader): { readonly cookie: Buffer; readonly stat: NlmStat | undefined } {
  const cookie = readCookie(args);
  return { cookie, stat: NLM_STATS[args.uint32()] };
}

/** FREE_ALL's argument and SM_NOTIFY's. */
export function readNotice(args: XdrReader): Notice {
  const name = args.opaque(MON_NAME_BYTES_MAX).toString('latin1');
  const state = args.int32();
  args.end();
  return { name, state };
}

export function writeResult(cookie: Buffer, stat: NlmStat): XdrWriter {
  return new XdrWriter().opaque(cookie).uint32(NLM_STATS.indexOf(stat));
}

/** A nlm4_testres: the holder goes with DENIED, and DENIED does not go without. */
export function writeTestResult(cookie: Buffer, result: Exclude<NlmStat, 'DENIED'> | Holder): XdrWriter {
  if (typeof result === 'string') return writeResult(cookie, result);
  const { exclusive, svid, oh, range } = result;
  return writeResult(cookie, 'DENIED')
    .bool(exclusive)
    .int32(svid)
    .opaque(oh)
    .uint64(range.start)
    .uint64(range.end === OFFSET_END ? 0n : range.end - range.start);
}

/** A nlm4_shareres. The sequence is "for future use", and always 0. */
export function writeShareResult(cookie: Buffer, stat: NlmStat): XdrWriter {
  return writeResult(cookie, stat).int32(0);
}

/** GRANTED's arguments, for the client that waits. */
export function writeGrantArgs(cookie: Buffer, { mode, lock }: Pick<LockArgs, 'mode' | 'lock'>): XdrWriter {
  return new XdrWriter()
    .opaque(cookie)
    .bool(mode === 'exclusive')
    .opaque(Buffer.from(lock.callerName, 'latin1'))
    .opaque(lock.handle)
    .opaque(lock.oh)
    .int32(lock.svid)
    .uint64(lock.offset)
    .uint64(lock.length);
}

export function writeNotice({ name, state }: Notice): XdrWriter {
  return new XdrWriter().opaque(Buffer.from(name, 'latin1')).int32(state);
}

/** The name that SM_STAT, SM_MON, SM_UNMON and SM_UNMON_ALL ask about is read, and of no consequence. */
export function skipMonArgs(args: XdrReader, procedure: 'STAT' | 'MON' | 'UNMON' | 'UNMON_ALL'): void {
  args.opaque(MON_NAME_BYTES_MAX);
  if (procedure === 'MON' || procedure === 'UNMON') args.opaque(MON_NAME_BYTES_MAX);
  if (procedure !== 'STAT') args.fixed(12);
  if (procedure === 'MON') args.fixed(PRIVATE_BYTES);
  args.end();
}

/** `undefined` when the range passes 2^64. */
export function rangeOf({ offset, length }: Pick<WireLock, 'offset' | 'length'>): ByteRange | undefined {
  if (length === 0n) return { start: offset, end: OFFSET_END };
  const end = offset + length;
  return end > OFFSET_END ? undefined : { start: offset, end };
}

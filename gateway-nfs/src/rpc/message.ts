/**
 * Call and reply messages of ONC RPC version 2, as pure functions of bytes.
 *
 *     call   xid, 0, 2, program, version, procedure, credential, verifier, arguments
 *     reply  xid, 1, 0, verifier, accept_stat, results or [low, high]
 *            xid, 1, 1, reject_stat, [low, high] or auth_stat
 *
 * Credential and verifier are a flavor and at most 400 bytes of body.
 *
 * @source RFC 5531 §9
 */
import { XdrError } from '../xdr/error.ts';
import { XdrReader } from '../xdr/reader.ts';
import type { XdrWriter } from '../xdr/writer.ts';
import {
  AUTH_BODY_BYTES_MAX,
  AUTH_NONE,
  type Credential,
  readCredential,
  writeCredential,
} from './credentials.ts';
import { AUTH_STAT, type AuthError } from './program.ts';

const CALL = 0;
const REPLY = 1;
const RPC_VERSION = 2;
const ACCEPTED = 0;
const DENIED = 1;
const RPC_MISMATCH = 0;
const AUTH_ERROR = 1;

const ACCEPT_STAT = {
  success: 0,
  programUnavailable: 1,
  programMismatch: 2,
  procedureUnavailable: 3,
  garbageArguments: 4,
  systemError: 5,
} as const;

export type RpcReply =
  | { readonly kind: 'success'; readonly results: XdrWriter }
  | { readonly kind: 'programUnavailable' }
  /** The lowest and the highest version of the program that are served. */
  | { readonly kind: 'programMismatch'; readonly low: number; readonly high: number }
  | { readonly kind: 'procedureUnavailable' }
  | { readonly kind: 'garbageArguments' }
  | { readonly kind: 'systemError' }
  | { readonly kind: 'rpcMismatch' }
  | { readonly kind: 'authError'; readonly why: AuthError };

export interface CallMessage {
  readonly kind: 'call';
  readonly xid: number;
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  readonly credential: Credential;
  /** Stands at the first argument. */
  readonly args: XdrReader;
}

export type IncomingMessage =
  | CallMessage
  /** A call that is answered without looking for its program. */
  | { readonly kind: 'refused'; readonly xid: number; readonly reply: RpcReply }
  /** There is no call to answer: cut short, or not a call at all. */
  | { readonly kind: 'unreadable'; readonly why: string };

/** Every call has so much before the bodies of its credential and verifier. */
const CALL_HEADER_BYTES_MIN = 40;

/** Reads what a client sent; throws nothing. */
export function readCall(bytes: Buffer): IncomingMessage {
  if (bytes.length < CALL_HEADER_BYTES_MIN) return unreadable(`has ${bytes.length} bytes`);
  const reader = new XdrReader(bytes);
  const xid = reader.uint32();
  const type = reader.uint32();
  if (type !== CALL) return unreadable(`has the message type ${type}`);
  if (reader.uint32() !== RPC_VERSION) return { kind: 'refused', xid, reply: { kind: 'rpcMismatch' } };
  const program = reader.uint32();
  const version = reader.uint32();
  const procedure = reader.uint32();
  let blame: AuthError = 'AUTH_BADCRED';
  try {
    const credential = readCredential(reader.uint32(), reader.opaque(AUTH_BODY_BYTES_MAX));
    if (credential === undefined) return refused(xid, 'AUTH_REJECTEDCRED');
    blame = 'AUTH_BADVERF';
    // Neither flavor of credential has a verifier of its own (§10.1, appendix A).
    if (reader.uint32() !== AUTH_NONE || reader.uint32() > 0) return refused(xid, blame);
    return { kind: 'call', xid, program, version, procedure, credential, args: reader };
  } catch (error) {
    if (error instanceof XdrError) return refused(xid, blame);
    throw error;
  }
}

function refused(xid: number, why: AuthError): IncomingMessage {
  return { kind: 'refused', xid, reply: { kind: 'authError', why } };
}

function unreadable(what: string): IncomingMessage {
  return { kind: 'unreadable', why: `an RPC message ${what}` };
}

/** What a successful reply takes beside its results. */
const SUCCESS_HEADER_BYTES = 24;

/** Where a call's stamp may be: the first four bytes of an AUTH_SYS credential. */
const CREDENTIAL_BODY_AT = 32;
const STAMP_BYTES = 4;
const PROGRAM_AT = 12;

/** The two runs of a call's bytes that stay the same when a client sends it again, though its stamp may change. */
export function lastingBytes(bytes: Buffer, credential: Credential): readonly [Buffer, Buffer] {
  const stampBytes = credential.flavor === 'sys' ? STAMP_BYTES : 0;
  return [bytes.subarray(PROGRAM_AT, CREDENTIAL_BODY_AT), bytes.subarray(CREDENTIAL_BODY_AT + stampBytes)];
}

export function replyBytes(reply: RpcReply): number {
  switch (reply.kind) {
    case 'success':
      return SUCCESS_HEADER_BYTES + reply.results.lengthBytes;
    case 'programMismatch':
      return SUCCESS_HEADER_BYTES + 8;
    case 'rpcMismatch':
      return 24;
    case 'authError':
      return 20;
    default:
      return SUCCESS_HEADER_BYTES;
  }
}

export function writeReply(writer: XdrWriter, xid: number, reply: RpcReply): void {
  writer.uint32(xid).uint32(REPLY);
  if (reply.kind === 'rpcMismatch') {
    writer.uint32(DENIED).uint32(RPC_MISMATCH).uint32(RPC_VERSION).uint32(RPC_VERSION);
    return;
  }
  if (reply.kind === 'authError') {
    writer.uint32(DENIED).uint32(AUTH_ERROR).uint32(AUTH_STAT[reply.why]);
    return;
  }
  writer.uint32(ACCEPTED).uint32(AUTH_NONE).uint32(0).uint32(ACCEPT_STAT[reply.kind]);
  if (reply.kind === 'success') writer.append(reply.results);
  if (reply.kind === 'programMismatch') writer.uint32(reply.low).uint32(reply.high);
}

export interface OutgoingCall {
  readonly xid: number;
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  readonly credential: Credential;
  readonly args: XdrWriter;
}

export function writeCall(writer: XdrWriter, call: OutgoingCall): void {
  writer.uint32(call.xid).uint32(CALL).uint32(RPC_VERSION);
  writer.uint32(call.program).uint32(call.version).uint32(call.procedure);
  writeCredential(writer, call.credential);
  writer.uint32(AUTH_NONE).uint32(0).append(call.args);
}

/** What came back: where the results begin, or in words why there are none. */
export type ReadReply =
  | { readonly xid: number; readonly results: XdrReader }
  | { readonly xid: number; readonly refusal: string };

const ACCEPT_REFUSALS: ReadonlyMap<number, string> = new Map([
  [ACCEPT_STAT.programUnavailable, 'PROG_UNAVAIL'],
  [ACCEPT_STAT.programMismatch, 'PROG_MISMATCH'],
  [ACCEPT_STAT.procedureUnavailable, 'PROC_UNAVAIL'],
  [ACCEPT_STAT.garbageArguments, 'GARBAGE_ARGS'],
  [ACCEPT_STAT.systemError, 'SYSTEM_ERR'],
]);
const AUTH_REFUSALS: ReadonlyMap<number, string> = new Map(
  Object.entries(AUTH_STAT).map(([name, stat]) => [stat, name]),
);

/** Reads what a server answered. @throws XdrError if it is not a reply. */
export function readReply(bytes: Buffer): ReadReply {
  const reader = new XdrReader(bytes);
  const xid = reader.uint32();
  const type = reader.uint32();
  if (type !== REPLY) throw new XdrError(`an RPC reply has the message type ${type}`);
  if (reader.bool()) return { xid, refusal: readDenial(reader) };
  reader.uint32();
  reader.opaque(AUTH_BODY_BYTES_MAX);
  const stat = reader.uint32();
  if (stat === ACCEPT_STAT.success) return { xid, results: reader };
  return { xid, refusal: ACCEPT_REFUSALS.get(stat) ?? `accept_stat ${stat}` };
}

function readDenial(reader: XdrReader): string {
  if (reader.uint32() === RPC_MISMATCH) return 'RPC_MISMATCH';
  const stat = reader.uint32();
  return AUTH_REFUSALS.get(stat) ?? `auth_stat ${stat}`;
}

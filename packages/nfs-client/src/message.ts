/**
 * ONC RPC over TCP: call and reply messages in records, both halves of each, since a test may be the server.
 * @source RFC 5531 §9, §11
 */
import { WrongReply } from './faults.ts';
import { Cursor, opaque, words } from './xdr.ts';

const LAST_FRAGMENT = 0x8000_0000;
/** More than a READ or WRITE of 1 MiB takes with all that is around it. */
const RECORD_BYTES_MAX = 2 << 20;
const CALL = 0;
const REPLY = 1;
const RPC_VERSION = 2;
/** Of both programs that are called. */
const PROGRAM_VERSION = 3;
const AUTH_SYS = 1;
const AUTH_BODY_BYTES_MAX = 400;
const ACCEPTED = 0;
const SUCCESS = 0;

export interface CallMessage {
  readonly xid: number;
  readonly program: number;
  readonly procedure: number;
  readonly args: Buffer;
}

export interface ReplyMessage {
  readonly xid: number;
  readonly results: Buffer;
}

/** The super-user of some host calls; and a verifier of nothing. */
const CALLER = Buffer.concat([
  words(AUTH_SYS),
  opaque(Buffer.concat([words(0), opaque('nfs-client'), words(0, 0, 0)])),
  words(0, 0),
]);

function inRecord(...parts: readonly Buffer[]): Buffer {
  const lengthBytes = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([words(LAST_FRAGMENT | lengthBytes), ...parts]);
}

export function callRecord({ xid, program, procedure, args }: CallMessage): Buffer {
  return inRecord(words(xid, CALL, RPC_VERSION, program, PROGRAM_VERSION, procedure), CALLER, args);
}

/** @throws WrongReply */
export function readCall(record: Buffer): CallMessage {
  const from = new Cursor(record);
  const [xid, type] = [from.word(), from.word()];
  if (type !== CALL) throw new WrongReply(`a call has the message type ${type}`);
  from.word();
  const [program, , procedure] = [from.word(), from.word(), from.word()];
  passAuth(from);
  passAuth(from);
  return { xid, program, procedure, args: from.rest() };
}

export function replyRecord({ xid, results }: ReplyMessage): Buffer {
  return inRecord(words(xid, REPLY, ACCEPTED, 0, 0, SUCCESS), results);
}

/** @throws WrongReply when it is none, or the call was denied or not done */
export function readReply(record: Buffer): ReplyMessage {
  const from = new Cursor(record);
  const [xid, type] = [from.word(), from.word()];
  if (type !== REPLY) throw new WrongReply(`a reply has the message type ${type}`);
  const replied = from.word();
  if (replied !== ACCEPTED) throw new WrongReply(`call ${xid} was denied: reply_stat ${replied}`);
  passAuth(from);
  const accepted = from.word();
  if (accepted !== SUCCESS) throw new WrongReply(`call ${xid} was not done: accept_stat ${accepted}`);
  return { xid, results: from.rest() };
}

function passAuth(from: Cursor): void {
  from.word();
  from.opaque(AUTH_BODY_BYTES_MAX);
}

/**
 * The first record of what came on a connection, and what follows it; undefined while it is not there in full.
 * @throws WrongReply when it is announced to be longer than any may be
 */
export function takeRecord(received: Buffer): { readonly record: Buffer; readonly rest: Buffer } | undefined {
  const fragments: Buffer[] = [];
  let lengthBytes = 0;
  for (let at = 0; received.length >= at + 4; ) {
    const mark = received.readUInt32BE(at);
    const start = at + 4;
    const end = start + (mark & ~LAST_FRAGMENT);
    lengthBytes += end - start;
    if (lengthBytes > RECORD_BYTES_MAX) {
      throw new WrongReply(`a record has ${lengthBytes} bytes or more, of at most ${RECORD_BYTES_MAX}`);
    }
    if (received.length < end) return undefined;
    fragments.push(received.subarray(start, end));
    at = end;
    if (mark < LAST_FRAGMENT) continue;
    const [only] = fragments;
    const record = only && fragments.length === 1 ? only : Buffer.concat(fragments);
    return { record, rest: received.subarray(at) };
  }
  return undefined;
}

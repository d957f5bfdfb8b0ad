/**
 * What procedures answer with when they were done, each read whole: what ends too early or goes on too long is a
 * WrongReply, thrown by every function here.
 * @source RFC 1813 §2.6, §3.3
 */
import { WrongReply } from './faults.ts';
import { HANDLE_BYTES_MAX, OK, type Reply } from './nfs3.ts';
import { Cursor } from './xdr.ts';

const ATTRIBUTES_BYTES = 84;
/** Type, mode, links, owner and group are before the size. */
const BEFORE_SIZE_BYTES = 20;
/** Size and two times, of before a change. */
const WCC_ATTRIBUTES_BYTES = 24;
const VERIFIER_BYTES = 8;
const STABLE_HOW_MAX = 2;

function resultsOf({ status, results }: Reply): Cursor {
  if (status !== OK) throw new WrongReply(`no results in an answer ${status}`);
  return new Cursor(results);
}

/** A `post_op_attr`. */
export function passPostOpAttributes(from: Cursor): void {
  if (from.bool()) from.fixed(ATTRIBUTES_BYTES);
}

function passWccData(from: Cursor): void {
  if (from.bool()) from.fixed(WCC_ATTRIBUTES_BYTES);
  passPostOpAttributes(from);
}

/** Of GETATTR. */
export function readSizeBytes(reply: Reply): number {
  const from = resultsOf(reply);
  const attributes = new Cursor(from.fixed(ATTRIBUTES_BYTES));
  from.end();
  attributes.fixed(BEFORE_SIZE_BYTES);
  return attributes.long();
}

/** Of LOOKUP: a handle. */
export function handleFound(reply: Reply): Buffer {
  const from = resultsOf(reply);
  const handle = from.opaque(HANDLE_BYTES_MAX);
  passPostOpAttributes(from);
  passPostOpAttributes(from);
  from.end();
  return handle;
}

/** Of CREATE, MKDIR and SYMLINK: a handle, which a server need not give and all that are called here do. */
export function handleMade(reply: Reply): Buffer {
  const from = resultsOf(reply);
  if (!from.bool()) throw new WrongReply('there is no handle of what was made');
  const handle = from.opaque(HANDLE_BYTES_MAX);
  passPostOpAttributes(from);
  passWccData(from);
  from.end();
  return handle;
}

/** Of READ. */
export function readData(reply: Reply): { readonly bytes: Buffer; readonly isEnd: boolean } {
  const from = resultsOf(reply);
  passPostOpAttributes(from);
  const [count, isEnd] = [from.word(), from.bool()];
  const bytes = from.opaque(count);
  from.end();
  if (bytes.length !== count) throw new WrongReply(`of ${count} bytes that were read it has ${bytes.length}`);
  return { bytes, isEnd };
}

export interface Written {
  readonly lengthBytes: number;
  /** UNSTABLE, DATA_SYNC or FILE_SYNC. */
  readonly committed: number;
  readonly verifier: Buffer;
}

/** Of WRITE. */
export function readWritten(reply: Reply): Written {
  const from = resultsOf(reply);
  passWccData(from);
  const [lengthBytes, committed] = [from.word(), from.word()];
  if (committed > STABLE_HOW_MAX) throw new WrongReply(`it was committed in the way ${committed}`);
  const verifier = from.fixed(VERIFIER_BYTES);
  from.end();
  return { lengthBytes, committed, verifier };
}

/** Of COMMIT: a verifier. */
export function readCommitted(reply: Reply): Buffer {
  const from = resultsOf(reply);
  passWccData(from);
  const verifier = from.fixed(VERIFIER_BYTES);
  from.end();
  return verifier;
}

/** Of SETATTR, REMOVE, RMDIR and RENAME: nothing but `wcc_data`, of one file or of two directories. */
export function readChanged(reply: Reply, files: 1 | 2 = 1): void {
  const from = resultsOf(reply);
  for (let file = 0; file < files; file += 1) passWccData(from);
  from.end();
}

/**
 * Calls of NFSv3 as bytes on a socket, for what tries servers and what measures them: no kernel stands between, which would
 * cache, or send again what was not answered. It is written apart from the NFS door, so that a fault would have to be
 * made twice to go unseen, and is loaded as it is, without a build: no product needs it.
 */
export { NoReply, WrongReply } from './faults.ts';
export { type CallMessage, readCall, replyRecord, takeRecord } from './message.ts';
export {
  type Call,
  EXIST,
  HANDLE_BYTES_MAX,
  JUKEBOX,
  NFS_PROGRAM,
  NO_ATTRIBUTES,
  NOENT,
  NOSPC,
  OK,
  PROCEDURES,
  place,
  type Reply,
} from './nfs3.ts';
export {
  handleFound,
  handleMade,
  passPostOpAttributes,
  readChanged,
  readCommitted,
  readData,
  readSizeBytes,
  readWritten,
  type Written,
} from './results.ts';
export { RpcConnection } from './rpcConnection.ts';
export { Cursor, opaque, words } from './xdr.ts';

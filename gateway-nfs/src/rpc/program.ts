/** What a remote program is to the servers of this folder, and what a call is to a program. */
import type { XdrReader } from '../xdr/reader.ts';
import type { XdrWriter } from '../xdr/writer.ts';
import type { Credential } from './credentials.ts';

export interface Peer {
  /** Without the `::ffff:` of an IPv4 address that came by an IPv6 socket. */
  readonly address: string;
  readonly port: number;
}

export type Transport = 'tcp' | 'udp';

export interface RpcCall {
  readonly xid: number;
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  readonly credential: Credential;
  readonly peer: Peer;
  readonly transport: Transport;
  /**
   * CRC-32 of all that a client sends again with a retransmission: program, version, procedure, credential but for
   * its stamp, and arguments. Computed when asked for.
   */
  readonly checksum: number;
}

/** Why a call is refused before its arguments are read. @source RFC 5531 §9, auth_stat */
export const AUTH_STAT = {
  AUTH_BADCRED: 1,
  AUTH_REJECTEDCRED: 2,
  AUTH_BADVERF: 3,
  AUTH_REJECTEDVERF: 4,
  AUTH_TOOWEAK: 5,
  AUTH_INVALIDRESP: 6,
  AUTH_FAILED: 7,
} as const;
export type AuthError = keyof typeof AUTH_STAT;

/**
 * Reads its arguments, and resolves to its results only; `undefined` means that no reply is sent at all. What it
 * read of `args` are views of the call's bytes. A short call's live as long as they are kept; the memory of one of
 * 64 KiB or more is used for others when its reply has been sent.
 * An XdrError becomes GARBAGE_ARGS. Anything else becomes SYSTEM_ERR, and the log has it.
 */
export type Procedure = (args: XdrReader, call: RpcCall) => Promise<XdrWriter | undefined>;

export interface Program {
  readonly program: number;
  readonly version: number;
  /** By number. Procedure 0 (NULL) is answered for every program, and need not be here. */
  readonly procedures: ReadonlyMap<number, Procedure>;
  /**
   * How many bytes of memory the results may take of those procedures, by number, whose may be long: counted before one
   * begins. `args`: its arguments, not checked yet.
   */
  readonly resultBytes?: ReadonlyMap<number, (args: Buffer) => number>;
  /** Asked before the procedure runs, but for NULL. */
  readonly allows?: (call: RpcCall) => AuthError | undefined;
}

/** The part of a pino-shaped logger that the servers use. */
export interface Logger {
  error(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  info(fields: object, message: string): void;
}

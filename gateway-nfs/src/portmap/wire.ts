/**
 * The port mapper's version 2 as bytes, and of rpcbind's version 4 what IPv6 needs.
 *
 * @source RFC 1833 §3 (port mapper), §2 (rpcbind)
 */
import type { XdrReader } from '../xdr/reader.ts';
import { XdrWriter } from '../xdr/writer.ts';

export const PORTMAP_PROGRAM = 100_000;
export const PORTMAP_VERSION = 2;
export const PORTMAP_PORT = 111;
export const RPCBIND_VERSION = 4;

export const PORTMAP_PROCEDURE = { SET: 1, UNSET: 2, GETPORT: 3, DUMP: 4, CALLIT: 5 } as const;
export const RPCBIND_PROCEDURE = { GETADDR: 3 } as const;

export const PROTOCOL_NUMBER = { tcp: 6, udp: 17 } as const;

export interface Mapping {
  readonly program: number;
  readonly version: number;
  /** IP's number: see {@link PROTOCOL_NUMBER}. */
  readonly protocol: number;
  readonly port: number;
}

const ADDRESS_BYTES_MAX = 256;

export function readMapping(reader: XdrReader): Mapping {
  return {
    program: reader.uint32(),
    version: reader.uint32(),
    protocol: reader.uint32(),
    port: reader.uint32(),
  };
}

export function writeMapping(writer: XdrWriter, { program, version, protocol, port }: Mapping): XdrWriter {
  return writer.uint32(program).uint32(version).uint32(protocol).uint32(port);
}

/** GETADDR's arguments: a mapping's address in text is asked for, so it is empty. */
export function writeAddressQuery(query: {
  readonly program: number;
  readonly version: number;
  /** `tcp6`, `udp6`. */
  readonly netid: string;
}): XdrWriter {
  return new XdrWriter().uint32(query.program).uint32(query.version).text(query.netid).text('').text('');
}

/**
 * The port of a universal address, whose last two numbers are its bytes: `fe80::1.8.1` has 2049. 0 when there is none.
 * @source RFC 5665 §5.2.3.3, §5.2.3.4
 */
export function readAddressPort(reader: XdrReader): number {
  const match = /\.(\d{1,3})\.(\d{1,3})$/.exec(reader.text(ADDRESS_BYTES_MAX));
  const [high, low] = [Number(match?.[1]), Number(match?.[2])];
  return high < 256 && low < 256 ? high * 256 + low : 0;
}

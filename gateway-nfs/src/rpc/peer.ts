import type { Peer } from './program.ts';

/** An IPv4 address that came by an IPv6 socket is that IPv4 address. @source RFC 4291 §2.5.5.2 */
export function peerOf(address: string, port: number): Peer {
  return { address: address.replace(/^::ffff:(?=\d+\.)/i, ''), port };
}

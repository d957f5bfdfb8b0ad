/**
 * Whose calls are told apart by their ids: what is kept of answered calls is kept for each. Hosts behind one address
 * (a translator of addresses, the pods of a node) call themselves differently, and a host does not change its name
 * between a call and its repetition, which is one byte for byte; its port it may. So names join the address, but no
 * more than a few: whoever made them up would else have as many rings kept as he liked.
 */
import { crc32 } from 'node:zlib';
import type { RpcCall } from '../rpc/program.ts';

const RINGS_PER_ADDRESS = 64;

export function clientOf({ peer, credential }: Pick<RpcCall, 'peer' | 'credential'>): string {
  if (credential.flavor === 'none') return peer.address;
  return `${peer.address} ${crc32(Buffer.from(credential.machine, 'latin1')) % RINGS_PER_ADDRESS}`;
}

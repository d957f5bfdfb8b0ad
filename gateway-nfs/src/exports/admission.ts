/** From where an export may be reached. */
import { BlockList, isIPv6 } from 'node:net';
import type { ExportPolicy } from '@facet/core';
import type { Peer } from '../rpc/program.ts';

/** Ports below are a host's root's to use. */
const FREE_PORT_MIN = 1024;

/** Of policies as they were read: one is asked for every call, and read again about once a second. */
const known = new WeakMap<readonly string[], BlockList>();

export function admits(policy: ExportPolicy, { address, port }: Peer): boolean {
  if (policy.securePorts && port >= FREE_PORT_MIN) return false;
  return networksOf(policy.clients).check(address, familyOf(address));
}

function networksOf(clients: readonly string[]): BlockList {
  const present = known.get(clients);
  if (present) return present;
  const networks = new BlockList();
  for (const client of clients) {
    const [address = '', bits = ''] = client.split('/');
    networks.addSubnet(address, Number(bits), familyOf(address));
  }
  known.set(clients, networks);
  return networks;
}

const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIPv6(address) ? 'ipv6' : 'ipv4');

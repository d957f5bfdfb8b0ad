/** From where an export may be reached. */
import { BlockList, isIPv6 } from 'node:net';
import { type ExportPolicy, LastUsed } from '@facet/core';
import type { Peer } from '../rpc/program.ts';

/** Ports below are a host's root's to use. */
const FREE_PORT_MIN = 1024;

type Family = 'ipv4' | 'ipv6';

/** So many addresses' answers are remembered of a policy: to look for one takes longer than most calls' reading. */
const ANSWERS_MAX = 1024;

/** One list a family: in one together, `::/0` has every IPv4 address, too. */
interface Networks extends Readonly<Record<Family, BlockList>> {
  readonly answers: LastUsed<string, boolean>;
}

/** Of policies as they were read: one is asked for every call, and read again about once a second. */
const known = new WeakMap<readonly string[], Networks>();

export function admits(policy: ExportPolicy, { address, port }: Peer): boolean {
  if (policy.securePorts && port >= FREE_PORT_MIN) return false;
  const networks = networksOf(policy.clients);
  const remembered = networks.answers.get(address);
  if (remembered !== undefined) return remembered;
  // A link-local address has its interface behind it.
  const [bare = ''] = address.split('%');
  const family = familyOf(bare);
  const answer = networks[family].check(bare, family);
  networks.answers.set(address, answer);
  return answer;
}

function networksOf(clients: readonly string[]): Networks {
  const present = known.get(clients);
  if (present) return present;
  const networks: Networks = {
    ipv4: new BlockList(),
    ipv6: new BlockList(),
    answers: new LastUsed(ANSWERS_MAX),
  };
  for (const client of clients) {
    const [address = '', bits = ''] = client.split('/');
    const family = familyOf(address);
    networks[family].addSubnet(address, Number(bits), family);
  }
  known.set(clients, networks);
  return networks;
}

const familyOf = (address: string): Family => (isIPv6(address) ? 'ipv6' : 'ipv4');
